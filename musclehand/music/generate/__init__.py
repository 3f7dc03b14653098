"""Generated scores: exercises, patterns, accompaniments, variations; chorales of the music21
corpus."""
