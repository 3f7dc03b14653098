"""Pretrained policies, read by `musclehand.policies.tracking`.

README.md has their training data and results.
"""
