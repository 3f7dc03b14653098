"""Set points of the forearms' servos against the plain formula."""

import numpy as np
import pytest

from musclehand.control.arrays import HandState
from musclehand.control.forearm_control import ForearmControl


@pytest.mark.parametrize("seed", range(3))
def test_set_points_are_those_of_the_plain_formula(seed):
    rng = np.random.default_rng(seed)
    hands = 2
    steps = 4
    inertia, load, acceleration = (
        rng.normal(size=(hands, *shape)) for shape in ((6, 6), (6,), (6,))
    )
    kp = rng.uniform(100, 2e4, (hands, 6))
    kd = rng.uniform(1, 400, (hands, 6))
    place = rng.normal(size=(hands, steps, 3))
    speed = rng.normal(size=(hands, steps, 3))
    nothing = dict.fromkeys(HandState._fields, np.zeros(0))
    state = HandState(**{**nothing, "forearm_inertia": inertia, "forearm_load": load})
    found = ForearmControl(kp, kd).set_points(state, acceleration, place, speed)
    force = np.einsum("hij,hj->hi", inertia, acceleration) + load
    for step in range(steps):
        expected = force / kp
        expected[:, :3] += place[:, step] + (kd / kp)[:, :3] * speed[:, step]
        assert found[step] == pytest.approx(expected, rel=1e-12)
        # What the servos then do, at the wanted place and speed, is the force.
        pushed = kp[:, :3] * (found[step, :, :3] - place[:, step]) - kd[:, :3] * speed[:, step]
        assert pushed == pytest.approx(force[:, :3], abs=1e-7)
