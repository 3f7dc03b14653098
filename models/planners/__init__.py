"""Pretrained high-level policies, read by `musclehand.policies.high_level`.

README.md has their training data and results.
"""
