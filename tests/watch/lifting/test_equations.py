"""Gradients and matrices of the lift's cost against finite differences."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.planning.trajectory.problem import Equations
from musclehand.watch.lifting.config import LiftConfig
from musclehand.watch.lifting.hand_points import place_points, scaled
from musclehand.watch.lifting.observe import observe
from musclehand.watch.lifting.problem import GLOBALS, Camera, Common
from musclehand.watch.lifting.smoothing import frame_equations
from support.lifted_hands import CHAIN, IK, POINTS, UNKNOWNS, camera, film_hands


@pytest.fixture(scope="module", params=list(Side))
def problem(request):
    """A hand in a film, unknowns off its motion, and what frames share."""
    film = film_hands(30, noise=2.0)
    hand = observe(film.landmarks, film.view, film.score, request.param, ik=IK, config=LiftConfig())
    rows = np.flatnonzero(hand.contacts.any(axis=1))[:3]
    frames = hand.frames.rows(rows)
    rng = np.random.default_rng(0)
    u = film.u[request.param][rows] + 0.02 * rng.standard_normal((len(rows), UNKNOWNS))
    u[:, -4:-1] += 0.01
    offsets = 0.003 * rng.standard_normal((21, 2))
    return hand.camera, frames, u, Common(offsets, 1.05, 0.4, 5.0)


def cost_of(problem, u, shared):
    camera, frames, _, common = problem
    common = common._replace(offsets=shared[:-1].reshape(21, 2), size=float(shared[-1]))
    return frame_equations(scaled(CHAIN, common.size), POINTS, camera, frames, common, u)[0]


def shared_of(common):
    return np.append(common.offsets.ravel(), common.size)


def equations_of(problem):
    camera, frames, u, common = problem
    chain = scaled(CHAIN, common.size)
    return frame_equations(chain, POINTS, camera, frames, common, u, shared=GLOBALS)[1]


def test_gradients_by_the_unknowns_are_those_of_finite_differences(problem):
    _, _, u, common = problem
    shared = shared_of(common)
    gradient = equations_of(problem).gradient[:, :UNKNOWNS]
    step = 1e-6
    for t in range(len(u)):
        for i in range(UNKNOWNS):
            change = np.zeros_like(u)
            change[t, i] = step
            up, down = (cost_of(problem, u + sign * change, shared) for sign in (1, -1))
            slope = (up - down) / (2 * step)
            assert gradient[t, i] == pytest.approx(slope, rel=1e-4, abs=1e-3)


def test_gradients_by_what_frames_share_are_those_of_finite_differences(problem):
    _, _, u, common = problem
    shared = shared_of(common)
    gradient = equations_of(problem).gradient[:, UNKNOWNS:].sum(axis=0)
    step = 1e-6
    for i in range(GLOBALS):
        change = np.zeros(GLOBALS)
        change[i] = step
        up, down = (cost_of(problem, u, shared + sign * change) for sign in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-3)


def test_without_what_frames_share_the_equations_are_a_part_of_those_with_it(problem):
    camera, frames, u, common = problem
    chain = scaled(CHAIN, common.size)
    cost, alone = frame_equations(chain, POINTS, camera, frames, common, u)
    full_cost, full = frame_equations(chain, POINTS, camera, frames, common, u, shared=GLOBALS)
    assert cost == full_cost
    np.testing.assert_allclose(alone.hessian, full.hessian[:, :UNKNOWNS, :UNKNOWNS])
    np.testing.assert_allclose(alone.gradient, full.gradient[:, :UNKNOWNS])


def test_matrices_are_positive_and_of_lower_triangles(problem):
    hessian = equations_of(problem).hessian
    assert not np.triu(hessian, 1).any()
    for lower in hessian:
        full = lower + np.tril(lower, -1).T
        assert np.linalg.eigvalsh(full).min() > -1e-6 * np.abs(full).max()


def test_frames_that_are_fixed_add_nothing(problem):
    camera, frames, u, common = problem
    chain = scaled(CHAIN, common.size)
    cost, equations = frame_equations(chain, POINTS, camera, frames, common, u, past=len(u))
    assert cost == 0.0
    assert not np.any(Equations(*equations).hessian)


@pytest.mark.parametrize("side", list(Side))
def test_the_mirrored_camera_has_a_mirrored_hand_at_the_same_pixels(side):
    view = camera()
    place = place_points(CHAIN, POINTS, film_hands(3).u[side])
    mirrored = Camera.of(view, side.mirror)
    ahead = (place - mirrored.position) @ mirrored.rotation.T
    pixels = mirrored.focal * ahead[..., :2] / ahead[..., 2:] + mirrored.centre
    np.testing.assert_allclose(pixels, view.to_pixels(place * [side.mirror, 1, 1]), atol=1e-9)
