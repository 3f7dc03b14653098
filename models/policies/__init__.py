"""Trained policies: read by `musclehand.policies.tracking`; README.md says what they learnt from and how well."""
