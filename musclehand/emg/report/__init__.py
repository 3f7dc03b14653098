"""A comparison written down: figures, tables, methods text, one HTML page."""
