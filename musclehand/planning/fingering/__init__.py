"""Which hand and finger plays each note, the pedal, and what cannot be played."""
