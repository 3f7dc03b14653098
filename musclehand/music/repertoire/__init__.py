"""The built-in pieces, one text file each, every one with its source."""
