"""musclehand: muscle-driven human hands in MuJoCo: to be checked, compared with EMG, and made to
play the piano."""

__version__ = "0.1.0"
