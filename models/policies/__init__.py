"""Pretrained policies, read by `musclehand.policies`.

README.md has their training data and results.
"""
