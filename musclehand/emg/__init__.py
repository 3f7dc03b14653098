"""Recorded EMG: reading it, checking it, and comparing simulated muscle activations with it."""
