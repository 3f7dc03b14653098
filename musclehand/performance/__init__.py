"""A performance: score and controller in; metrics, recording, figures and report out."""
