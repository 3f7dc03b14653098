"""What changed between two hand models."""
