"""Arithmetic of a control step, compiled by numba."""
