"""The checks of the validator, one function each."""
