"""The checks of the suite, one function each."""
