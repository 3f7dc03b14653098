"""Published measurements of the human hand: `musclehand.body.reference` reads them and says what a column is."""
