"""Trained planners: read by `musclehand.planner_policy`; README.md says what they learnt from and how well."""
