"""Where things are: the checkout, and data beside it that is not part of the project."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = ROOT / "tests"

EXPERIMENTS = ROOT / "experiments"

EMG_DATA = ROOT / "data" / "emg"

SHARED_DATA = ROOT.parent / "shared" / "data"
"""Real and failing inputs; tests that need them skip where they are absent."""
