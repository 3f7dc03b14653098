"""The `musclehand` command."""
