"""Trained planners: read by `musclehand.policies.high_level`; README.md says what they learnt from and how well."""
