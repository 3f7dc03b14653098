"""Plans of the model-based player as demonstrations: reference motion, and planned pieces."""
