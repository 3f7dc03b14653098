"""Model-based planning: from a score to fingerings and reference motion of two hands."""
