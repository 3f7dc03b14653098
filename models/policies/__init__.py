"""Trained policies: read by `musclehand.tracking_policy`; README.md says what they learnt from and how well."""
