"""Demonstrations for learners: planned motion and planned pieces."""
