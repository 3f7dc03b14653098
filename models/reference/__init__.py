"""Published measurements of the human hand: `musclehand.body.analysis.reference` reads them and says what a column is."""
