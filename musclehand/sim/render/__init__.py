"""Offscreen pictures and films of recordings."""
