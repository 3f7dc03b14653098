"""Learning: networks, warm start from a teacher, reinforcement, checkpoints. Knows worlds only
as `core.vec_env`."""
