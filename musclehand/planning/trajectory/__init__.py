"""Trajectory optimisation: joint angles, wrist and yaw of the hands over a piece."""
