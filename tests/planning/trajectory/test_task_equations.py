"""Gradients and Gauss-Newton matrices of each kind of task against finite differences; what the
tasks mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from musclehand.planning.trajectory import task_equations
from support.trajectory_problem import (
    CHAIN,
    GEOMETRY,
    IK,
    JOINTS,
    KEYS,
    UNKNOWNS,
    equations_of,
    hands_at,
    poses_of,
    tasks_of,
    weights_of,
)

KNOTS = 3


def reaching():
    rng = np.random.default_rng(1)
    u = hands_at(KNOTS)
    tips = poses_of(u).tips + rng.uniform(-0.01, 0.01, (KNOTS, 5, 3))
    weight = rng.uniform(0.0, 1.0, (KNOTS, 5, 3))
    return u, tasks_of(KNOTS, tips=tips, weight=weight), weights_of(tip=1e4), None


def above_floors():
    u = hands_at(KNOTS)
    floor = poses_of(u).tips[:, :, 2] + np.array([0.01, -0.01, 0.005, -0.005, 0.01])
    floor_weight = np.full((KNOTS, 5), 0.3)
    return u, tasks_of(KNOTS, floor=floor, floor_weight=floor_weight), weights_of(tip=1e4), None


def staying():
    u = hands_at(KNOTS)
    home = u + np.random.default_rng(2).uniform(-0.1, 0.1, u.shape)
    pull = np.random.default_rng(3).uniform(1, 20, u.shape)
    return u, tasks_of(KNOTS, home=home, pull=pull), weights_of(), None


def within_limits():
    u = hands_at(KNOTS)
    weights = weights_of(limit=100.0, lower=u[0] + 0.02, upper=u[0] + 0.05)
    return u, tasks_of(KNOTS), weights, None


def digits_apart():
    u = hands_at(KNOTS, spread=0.5)
    return u, tasks_of(KNOTS), weights_of(fingers=1e4, finger_margin=0.004), None


def fingers_in_order():
    return hands_at(KNOTS), tasks_of(KNOTS), weights_of(order=1e4, order_gap=0.03), None


def hands_apart():
    u = hands_at(KNOTS)
    other = poses_of(hands_at(KNOTS, seed=3)).ends * [-1.0, 1.0, 1.0]
    other[..., 0] += 2 * poses_of(u).ends[..., 0].min() + 0.01
    return u, tasks_of(KNOTS), weights_of(hands=1e4, hand_margin=0.01), other


def out_of_keys():
    """White keys alone: near the front of a key, the way out is shorter than its gradient says."""
    u = hands_at(KNOTS, height=0.02)
    u[:, JOINTS + 1] -= 0.02
    return u, tasks_of(KNOTS), weights_of(keys=1e4, key_margin=0.002), None


PROBLEMS = (
    reaching,
    above_floors,
    staying,
    within_limits,
    digits_apart,
    fingers_in_order,
    hands_apart,
    out_of_keys,
)


def full(matrix):
    """A symmetric matrix from its lower triangle."""
    return matrix + np.tril(matrix, -1).T


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
def test_the_gradient_is_that_of_the_cost(problem):
    u, tasks, weights, other = problem()
    cost, equations = equations_of(u, tasks, weights, other)
    assert cost > 0.0
    # Each hand makes way for half an overlap, as if the other one did likewise.
    both = 2.0 if other is not None else 1.0
    step = 1e-7
    scale = np.abs(equations.gradient).max()
    for t in range(KNOTS):
        for i in range(UNKNOWNS):
            costs = []
            for sign in (1, -1):
                moved = u.copy()
                moved[t, i] += sign * step
                costs.append(equations_of(moved, tasks, weights, other)[0])
            slope = both * (costs[0] - costs[1]) / (2 * step)
            assert equations.gradient[t, i] == pytest.approx(slope, abs=1e-4 * scale)


def one_floor(seed):
    u = hands_at(1, seed)
    tips = poses_of(u).tips
    floor_weight = np.zeros((1, 5))
    floor_weight[0, seed % 5] = 0.3
    tasks = tasks_of(1, floor=tips[:, :, 2] + 0.01, floor_weight=floor_weight)
    return u, tasks, weights_of(tip=1e4), None


def little_overlap_of_digits(seed):
    u = hands_at(1, seed, spread=0.3)
    return u, tasks_of(1), weights_of(fingers=1e4, finger_margin=0.001), None


def little_disorder(seed):
    u = hands_at(1, seed, spread=0.3)
    return u, tasks_of(1), weights_of(order=1e4, order_gap=0.009), None


def little_overlap_of_hands(seed):
    """A bone of the other hand crosses in front of the tip of a finger."""
    u = hands_at(1, seed, spread=0.3)
    ends = poses_of(u).ends
    other = ends + 1.0
    finger = int(np.flatnonzero(CHAIN.bone_digit == 1)[-1])
    other[0, 0] = ends[0, finger, 1] + np.array([[-0.02, 0.018, 0.003], [0.02, 0.02, 0.003]])
    return u, tasks_of(1), weights_of(hands=1e4, hand_margin=0.01), other


def little_overlap_of_keys(seed):
    u = hands_at(1, seed, spread=0.3, height=0.06)
    return u, tasks_of(1), weights_of(keys=1e4, key_margin=0.0), None


@pytest.mark.parametrize(
    "problem",
    [
        one_floor,
        little_overlap_of_digits,
        little_disorder,
        little_overlap_of_hands,
        little_overlap_of_keys,
    ],
    ids=lambda problem: problem.__name__,
)
def test_the_matrix_of_a_single_task_is_the_product_of_its_row_with_itself(problem):
    """Of a cost w e^2 / 2 with the gradient g = w e row, it is g g' / (2 cost) = w row row'."""
    singles = 0
    for seed in range(200):
        cost, equations = equations_of(*problem(seed))
        matrix, gradient = full(equations.hessian[0]), equations.gradient[0]
        if cost > 1e-9 and np.linalg.matrix_rank(matrix, tol=1e-9 * np.abs(matrix).max()) == 1:
            singles += 1
            product = np.outer(gradient, gradient) / (2 * cost)
            np.testing.assert_allclose(matrix, product, atol=1e-9 * np.abs(matrix).max())
    assert singles >= 5


@pytest.mark.parametrize("problem", [staying, within_limits], ids=lambda each: each.__name__)
def test_the_matrix_of_tasks_on_unknowns_is_their_diagonal(problem):
    u, tasks, weights, _ = problem()
    _, equations = equations_of(u, tasks, weights)
    away = np.minimum(u - weights.lower, 0.0) + np.maximum(u - weights.upper, 0.0)
    expected = tasks.pull + weights.limit * (away != 0.0)
    for t in range(KNOTS):
        np.testing.assert_array_equal(full(equations.hessian[t]), np.diag(expected[t]))


def test_the_matrix_of_reached_tips_is_the_hessian():
    """Where errors vanish, so does their curvature: finite differences of the gradient are the
    Gauss-Newton matrix."""
    u, tasks, weights, _ = reaching()
    tasks = tasks._replace(tips=poses_of(u).tips)
    _, equations = equations_of(u, tasks, weights)
    for t in range(KNOTS):
        columns = []
        for i in range(UNKNOWNS):
            moved = [u.copy(), u.copy()]
            moved[0][t, i] += 1e-6
            moved[1][t, i] -= 1e-6
            after, before = (equations_of(each, tasks, weights)[1].gradient[t] for each in moved)
            columns.append((after - before) / 2e-6)
        matrix = full(equations.hessian[t])
        np.testing.assert_allclose(np.array(columns), matrix, atol=1e-5 * np.abs(matrix).max())


def test_fixed_knots_have_no_tasks():
    u, tasks, weights, _ = reaching()
    _, equations = equations_of(u, tasks, weights, past=2)
    assert not equations.hessian[:2].any()
    assert not equations.gradient[:2].any()
    assert equations.gradient[2].any()


@settings(max_examples=100)
@given(arrays(float, (4, 3), elements=st.floats(-0.1, 0.1)))
def test_nearest_points_are_nearest(ends):
    a, b = ends[:2], ends[2:]
    if min(np.linalg.norm(a[1] - a[0]), np.linalg.norm(b[1] - b[0])) < 1e-3:
        return
    on_a, on_b = np.empty(3), np.empty(3)
    task_equations._nearest_points(a, b, on_a, on_b)

    def distance(shares):
        s, t = shares
        return np.sum((a[0] + s * (a[1] - a[0]) - b[0] - t * (b[1] - b[0])) ** 2)

    best = min(
        minimize(distance, start, bounds=[(0, 1), (0, 1)], tol=1e-14).fun
        for start in ([0.5, 0.5], [0.0, 1.0], [1.0, 0.0])
    )
    assert np.sum((on_a - on_b) ** 2) <= best + 1e-8


def test_a_hand_above_the_keys_is_out_of_them():
    weights = weights_of(keys=1e4, key_margin=0.002)
    assert equations_of(hands_at(2, height=0.15), tasks_of(2), weights)[0] == 0.0


def test_depths_are_distances_out_of_boxes():
    """Against plain formulas on all keys, for random spheres about the keyboard."""
    rng = np.random.default_rng(5)
    direction = np.empty(3)
    for _ in range(300):
        key = int(rng.integers(88))
        point = np.array(
            [rng.uniform(KEYS.low[key] - 0.02, KEYS.high[key] + 0.02), rng.uniform(-0.02, 0.1), 0.0]
        )
        point[2] = KEYS.top[key] + rng.uniform(-0.02, 0.02)
        ways = (
            point[0] - KEYS.low[key] + 0.008,
            KEYS.high[key] - point[0] + 0.008,
            KEYS.top[key] - point[2] + 0.008,
            point[1] - KEYS.front[key] + 0.008,
        )
        depth = task_equations._way_out(*ways, direction)
        assert depth == min(ways)
        if depth > 0.0:
            sides = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
            assert np.array_equal(direction, sides[int(np.argmin(ways[:3]))])


def test_a_digit_may_be_in_the_key_that_it_plays():
    """A middle finger in a key, the others above."""
    u = hands_at(1, spread=0.0, height=0.12)
    tips = poses_of(u).tips[0]
    key = int(np.argmin(np.abs(GEOMETRY.x - tips[2, 0]) + GEOMETRY.black))
    u[0, JOINTS] += GEOMETRY.x[key] - tips[2, 0]
    u[0, JOINTS + 2] -= tips[2, 2] + 0.002
    weights = weights_of(keys=1e4, key_margin=0.0)
    tasks = tasks_of(1)
    before = equations_of(u, tasks, weights)[0]
    tasks.key[0, 2] = key
    assert equations_of(u, tasks, weights)[0] < before


def test_keys_that_are_looked_up_are_the_nearest():
    for x in np.linspace(KEYS.low.min(), KEYS.high.max(), 700):
        column = int((x - KEYS.first) / KEYS.width)
        touched = np.flatnonzero((KEYS.low - 0.012 < x) & (x < KEYS.high + 0.012))
        assert set(touched.tolist()) <= set(KEYS.nearest[column].tolist())


def test_overlaps_are_those_of_capsules():
    """The cost of digits against that of all pairs' distances, in plain numpy."""
    u = hands_at(4, seed=7, spread=0.5)
    margin = 0.004
    cost, _ = equations_of(u, tasks_of(4), weights_of(fingers=2.0, finger_margin=margin))
    ends = poses_of(u).ends
    share = np.linspace(0.0, 1.0, 201)[:, None]
    plain = 0.0
    for pose in ends:
        for a, b in CHAIN.pairs:
            lines = [(1 - share) * pose[i, 0] + share * pose[i, 1] for i in (a, b)]
            gap = np.linalg.norm(lines[0][:, None] - lines[1], axis=2).min()
            deep = CHAIN.bone_radius[a] + CHAIN.bone_radius[b] + margin - gap
            plain += max(deep, 0.0) ** 2
    assert cost > 0.0
    assert cost == pytest.approx(plain, rel=0.02)


def test_limits_cost_nothing_within_them():
    u = hands_at(2)
    weights = weights_of(limit=100.0, lower=u.min(axis=0) - 1e-9, upper=u.max(axis=0) + 1e-9)
    cost, equations = equations_of(u, tasks_of(2), weights)
    assert cost == 0.0
    assert not equations.hessian.any()
    assert IK.posture.size == JOINTS
