"""Score files: MIDI, MusicXML, PIG and the notation of the repertoire."""
