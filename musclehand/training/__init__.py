"""Training runs: tracking, latent space, generalist, single piece; evaluation and logs."""
