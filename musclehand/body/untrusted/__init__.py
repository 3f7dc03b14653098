"""Guarded reading of untrusted MJCF files: every problem becomes an error of one line."""
