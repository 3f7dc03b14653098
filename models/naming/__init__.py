"""Namings of known hand models: read with importlib.resources; `musclehand.body.naming` says what an entry is."""
