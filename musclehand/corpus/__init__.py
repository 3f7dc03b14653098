"""Corpora of motion: planned, recorded, generated in shards."""
