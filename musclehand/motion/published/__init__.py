"""Readers of published motion data sets."""
