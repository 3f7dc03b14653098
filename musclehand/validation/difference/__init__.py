"""The difference between two hand models, in anatomical words and numbers."""
