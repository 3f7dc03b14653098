"""From fingered notes to reference motion: grips, wrist path, strokes, releases, joint angles."""
