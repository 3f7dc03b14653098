"""From a score to fingerings and motions of two hands."""
