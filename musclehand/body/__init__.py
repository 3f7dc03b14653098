"""The hand: anatomy, model building and muscle parameters."""
