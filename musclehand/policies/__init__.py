"""Trained policies on disk: tracking, latent space, high level; saving, loading, fingerprints."""
