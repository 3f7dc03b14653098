"""Model data of musclehand: read with importlib.resources, edited by hand."""
