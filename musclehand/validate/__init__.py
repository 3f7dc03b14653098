"""Validation and comparison of hand models: 29 checks with thresholds and sources, and differences
in anatomical words."""
