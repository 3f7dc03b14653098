"""The hand: anatomy, names, postures and muscles of any hand model."""
