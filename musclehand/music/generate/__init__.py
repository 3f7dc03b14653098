"""Generated scores: exercises, patterns, accompaniments, variations, and chorales of music21."""
