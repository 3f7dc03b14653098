"""What every other package may use: errors, paths and the recording file."""
