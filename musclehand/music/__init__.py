"""Scores: reading, writing, generating and judging them. No physics and no torch here."""
