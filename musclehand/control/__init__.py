"""From a wanted motion to muscle excitations."""
