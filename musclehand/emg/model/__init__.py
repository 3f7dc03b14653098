"""From muscles to electrodes: forward model, forearm layout, armband, muscle maps, wrist
movements."""
