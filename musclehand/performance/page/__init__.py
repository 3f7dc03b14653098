"""The page of a performance: hands, keys, piano roll, muscles and sound in one HTML file."""
