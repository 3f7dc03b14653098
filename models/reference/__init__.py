"""Published measurements of the human hand, read by `musclehand.body.analysis.reference`."""
