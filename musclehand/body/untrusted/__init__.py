"""Other people's MJCF files, read guardedly: what is wrong with them becomes one line of text."""
