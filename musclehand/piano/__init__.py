"""Piano keyboards as MuJoCo models, and key angles as notes."""
