"""Simulation scenes, stepping and rendering."""
