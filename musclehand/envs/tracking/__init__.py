"""Motion tracking: one hand follows a reference motion."""
