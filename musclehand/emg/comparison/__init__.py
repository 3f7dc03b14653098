"""Simulated activations against recorded EMG: scores, null distributions, ceilings, certainty."""
