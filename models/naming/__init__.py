"""Namings of known hand models; `musclehand.body.naming` describes their entries."""
