"""Many muscles at once are the muscles of `body.muscle`, which are tested against MuJoCo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.muscle import MuscleParameters, muscle_force
from musclehand.control.muscle_set import MuscleSet

WORLDS = 3
MUSCLES = 7


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_forces(seed):
    rng = np.random.default_rng(seed)
    ranges = {
        "f0": (1, 1000),
        "l0": (0.01, 0.1),
        "lts": (-0.01, 0.3),
        "lmin": (0.1, 0.8),
        "lmax": (1.2, 2.0),
        "vmax": (0.5, 12),
        "fpmax": (0, 2),
        "fvmax": (1.05, 2),
        "tau_act": (0.005, 0.08),
        "tau_deact": (0.005, 0.08),
    }
    params = MuscleParameters(
        **{name: rng.uniform(*ends, MUSCLES) for name, ends in ranges.items()}
    )
    fibre = rng.choice([0.0, 0.3, 1.0, 1.7, 2.1], (WORLDS, MUSCLES)) * rng.uniform(
        0.9, 1.1, (WORLDS, MUSCLES)
    )
    length = params.lts + params.l0 * fibre
    velocity = (
        params.l0
        * params.vmax
        * rng.uniform(-1.5, 1.5, fibre.shape)
        * rng.integers(0, 2, fibre.shape)
    )
    found = MuscleSet(params).force(length, velocity)
    expected = muscle_force(params, length, velocity)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9)
