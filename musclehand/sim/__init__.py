"""Simulation scenes, batched physics, and offscreen rendering of recordings."""
