"""Grips of fingers on keys: distances between segments, and what a hand can and cannot hold."""

from itertools import combinations

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from musclehand.motion.inverse_kinematics import HandIk
from musclehand.planning.fingering.grip_solver import (
    DEPTH,
    LARGEST_MISS,
    LARGEST_OVERLAP,
    GripSolver,
    closest_points,
)

C4 = 39
"""Index of the key."""


@pytest.fixture(scope="module")
def solver() -> GripSolver:
    return GripSolver(HandIk())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_closest_points_of_segments_are_those_of_an_optimiser(seed: int) -> None:
    ends = np.random.default_rng(seed).normal(size=(2, 1, 2, 3))
    near, far = closest_points(ends[0], ends[1])
    along = ends[:, 0, 1] - ends[:, 0, 0]

    def distance(share: np.ndarray) -> float:
        first, second = ends[:, 0, 0] + share[:, None] * along
        return float(np.square(first - second).sum())

    least = min(
        minimize(distance, start, bounds=[(0, 1), (0, 1)]).fun
        for start in ([0.5, 0.5], [0.0, 1.0], [1.0, 0.0])
    )
    assert np.square(near - far).sum() == pytest.approx(least, abs=1e-6)


@pytest.mark.parametrize(
    ("digits", "keys"),
    [((0, 4), (C4, C4 + 7)), ((0, 2), (C4 + 1, C4 + 8)), ((0, 2, 4), (C4, C4 + 4, C4 + 7))],
)
def test_a_grip_that_holds_has_fingertips_on_keys_and_no_phalanx_in_another(
    solver: GripSolver, digits: tuple[int, ...], keys: tuple[int, ...]
) -> None:
    """MuJoCo's own distances between the capsules are the oracle."""
    grip = solver.solve(digits, keys)
    assert grip.holds
    ik = solver.ik
    ik.qr = grip.qr
    tips = ik.tips()[list(digits)] + grip.wrist
    key_x = solver.geometry.x[list(keys)]
    assert np.abs(tips[:, 0] - key_x).max() < LARGEST_MISS + 0.006
    low = tips[:, 2] - ik.playing.tip_radius[list(digits)]
    assert np.abs(solver.geometry.top_z[list(keys)] - DEPTH - low).max() <= LARGEST_MISS
    for first, second in combinations(np.flatnonzero(ik.model.geom_contype > 0).tolist(), 2):
        distance = mujoco.mj_geomDistance(ik.model, ik.data, first, second, 0.1, None)
        bodies = [ik.model.body(ik.model.geom_bodyid[geom]).name for geom in (first, second)]
        same_digit = (
            ik.model.body_parentid[ik.model.geom_bodyid[second]] == (ik.model.geom_bodyid[first])
        )
        neighbours = all("proxph" in name for name in bodies)
        if not same_digit and not neighbours:
            assert distance > -LARGEST_OVERLAP - 1e-6, bodies


def test_a_grip_does_not_depend_on_the_grips_before_it(solver: GripSolver) -> None:
    first = solver.solve((0, 4), (C4, C4 + 12))
    solver.solve((1, 2), (C4, C4 + 3))
    again = solver.solve((0, 4), (C4, C4 + 12))
    assert np.array_equal(first.qr, again.qr)
    assert np.array_equal(first.wrist, again.wrist)


def test_two_octaves_are_out_of_reach_and_five_neighbours_are_easy(solver: GripSolver) -> None:
    assert not solver.solve((0, 4), (C4, C4 + 24)).holds
    five = tuple(range(5))
    keys = (C4, C4 + 2, C4 + 4, C4 + 5, C4 + 7)
    grip = solver.solve(five, keys)
    assert grip.holds
    assert solver.easiest(five, keys, grip)[0] <= 0.4


def test_the_wrist_has_room_beside_a_finger_and_little_beside_an_octave(
    solver: GripSolver,
) -> None:
    one, octave = ((1,), (C4,)), ((0, 4), (C4 + 1, C4 + 13))
    rooms = [solver.room(*case, solver.solve(*case)) for case in (one, octave)]
    assert (rooms[0].sum(axis=1) > rooms[1].sum(axis=1)).all()
    assert rooms[0][0].sum() >= 0.04
