"""Foundations that every other package may use: errors, files, checkpoints, recordings, solvers."""
