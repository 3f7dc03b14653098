"""Piano playing: two hands, latent actions at a low rate."""
