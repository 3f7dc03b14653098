"""Construction of hand models: tables, overlay on MyoSim, scaling, mirroring, export."""
