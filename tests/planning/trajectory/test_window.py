"""Smoothness and windows against dense linear algebra."""

import numpy as np
import pytest
from scipy.linalg import solveh_banded

from musclehand.planning.trajectory import smoothness as kernels
from musclehand.planning.trajectory.problem import Equations, Smoothness
from musclehand.planning.trajectory.window import Window
from support.trajectory_problem import (
    CHAIN,
    GEOMETRY,
    JOINTS,
    KEYS,
    UNKNOWNS,
    equations_of,
    hands_at,
    poses_of,
    tasks_of,
    weights_of,
)

KNOTS = 9


def smoothness_of(bend=1e-4):
    return Smoothness(
        jerk=np.linspace(1.0, 30.0, UNKNOWNS),
        bend=bend * np.array([1.0, 2.0, 3.0, 4.0]),
        bend_weight=50.0,
    )


def operators(knots=KNOTS):
    """Third and second differences of one unknown as dense matrices."""
    third = np.diff(np.eye(knots), 3, axis=0)
    second = np.diff(np.eye(knots), 2, axis=0)
    return third, second


def plain_roughness(u, smoothness):
    third, second = operators(len(u))
    beyond = np.maximum(np.abs(second @ u[:, -4:]) - smoothness.bend, 0.0)
    jerk = 0.5 * np.sum(smoothness.jerk * (third @ u) ** 2)
    return jerk + 0.5 * smoothness.bend_weight * np.sum(beyond**2)


@pytest.mark.parametrize("bend", [1e-4, 1.0])
def test_roughness_is_the_sum_of_squared_differences(bend):
    u = hands_at(KNOTS)
    smoothness = smoothness_of(bend)
    assert kernels.roughness(u, smoothness) == pytest.approx(plain_roughness(u, smoothness))


def test_parabolas_within_the_brakes_are_free():
    t = np.arange(KNOTS)[:, None]
    u = 1.0 + 0.3 * t + 1e-5 * t**2 * np.ones(UNKNOWNS)
    assert kernels.roughness(u, smoothness_of()) == pytest.approx(0.0, abs=1e-16)


def test_the_banded_solution_is_the_dense_one():
    rng = np.random.default_rng(3)
    u = hands_at(KNOTS)
    smoothness = smoothness_of()
    equations = Equations.zero(KNOTS, UNKNOWNS)
    for t in range(KNOTS):
        root = rng.normal(size=(UNKNOWNS, UNKNOWNS))
        equations.hessian[t] = np.tril(root @ root.T)
        equations.gradient[t] = rng.normal(size=UNKNOWNS)
    damping = np.linspace(0.5, 2.0, UNKNOWNS)
    past = 3
    bands = np.empty((3 * UNKNOWNS + 1, KNOTS * UNKNOWNS))
    right = np.empty(KNOTS * UNKNOWNS)
    kernels.fill_bands(equations, u, smoothness, damping, past, bands, right)
    step = solveh_banded(bands, right, lower=True).reshape(KNOTS, UNKNOWNS)

    third, second = operators()
    size = KNOTS * UNKNOWNS
    matrix = np.zeros((size, size))
    slope = equations.gradient.copy()
    for t in range(KNOTS):
        part = slice(t * UNKNOWNS, (t + 1) * UNKNOWNS)
        lower = equations.hessian[t]
        matrix[part, part] += lower + np.tril(lower, -1).T + np.diag(damping)
    for i in range(UNKNOWNS):
        part = np.arange(KNOTS) * UNKNOWNS + i
        matrix[np.ix_(part, part)] += smoothness.jerk[i] * third.T @ third
        slope[:, i] += smoothness.jerk[i] * third.T @ third @ u[:, i]
        if i >= JOINTS:
            bend = second @ u[:, i]
            most = smoothness.bend[i - JOINTS]
            active = np.abs(bend) > most
            beyond = np.where(active, bend - np.sign(bend) * most, 0.0)
            braked = second[active]
            matrix[np.ix_(part, part)] += smoothness.bend_weight * braked.T @ braked
            slope[:, i] += smoothness.bend_weight * second.T @ beyond
    free = slice(past * UNKNOWNS, None)
    dense = np.linalg.solve(matrix[free, free], -slope.ravel()[free])
    np.testing.assert_allclose(step[past:].ravel(), dense, atol=1e-9 * np.abs(dense).max())
    assert np.abs(step[:past]).max() < 1e-9 * np.abs(dense).max()


def window_of(weights, smoothness, chain=CHAIN):
    return Window(
        chain=chain,
        keys=KEYS,
        weights=weights,
        smoothness=smoothness,
        scale=np.ones(UNKNOWNS),
        max_step=np.full(UNKNOWNS, 0.3),
    )


def test_improvement_lowers_the_cost_and_leaves_the_past():
    u = hands_at(30, spread=0.0)
    tips = poses_of(u).tips + 0.01 * np.sin(np.arange(30) / 5)[:, None, None]
    pull = np.concatenate([np.full(JOINTS, 0.05), np.full(4, 20.0)])
    tasks = tasks_of(30, tips=tips, weight=np.ones((30, 5, 3)), home=u, pull=pull)
    window = window_of(weights_of(tip=1e4), smoothness_of(bend=1.0))
    other = np.empty((0, len(CHAIN.bone_body), 2, 3))
    before = window._evaluate(tasks, u, 3, other).cost
    new, ends, damping = window.improve(tasks, u, past=3, other=None, damping=1.0, steps=12)
    assert window._evaluate(tasks, new, 3, other).cost < 0.05 * before
    assert damping < 1.0
    np.testing.assert_allclose(new[:3], u[:3], atol=1e-9)
    np.testing.assert_array_equal(ends, poses_of(new).ends)
    assert np.abs(poses_of(new).tips - tips)[8:].max() < 1e-3


def settled(u, tasks, weights, other=None):
    """Fingertips asked for together with the other tasks, after many steps."""
    window = window_of(weights, smoothness_of(bend=1.0))
    return window.improve(tasks, u, past=0, other=other, damping=1.0, steps=60)


def deepest(ends, others, pairs):
    """Depth by which capsules overlap at most [m]."""
    share = np.linspace(0.0, 1.0, 41)[:, None]
    depths = []
    for a, b in pairs:
        lines = [(1 - share) * each[0] + share * each[1] for each in (ends[a], others[b])]
        gap = np.linalg.norm(lines[0][:, None] - lines[1], axis=2).min()
        depths.append(CHAIN.bone_radius[a] + CHAIN.bone_radius[b] - gap)
    return max(depths)


POSTURE_WEIGHT = np.concatenate([np.full(JOINTS, 0.05), np.full(4, 1e6)])


def test_fingers_asked_into_one_place_give_way_to_each_other():
    """The ring finger's target lies 6 mm beside the middle finger's."""
    u = hands_at(4, spread=0.0, height=0.15)
    tips = poses_of(u).tips.copy()
    tips[:, 3] = tips[:, 2] + [0.006, 0.0, 0.0]
    weight = np.ones((4, 5, 3))
    tasks = tasks_of(4, tips=tips, weight=weight, home=u, pull=POSTURE_WEIGHT)
    free = weights_of(tip=1e4)
    before = deepest(*2 * (settled(u, tasks, free)[1][0],), CHAIN.pairs)
    apart = free._replace(fingers=1e6, finger_margin=0.001)
    assert before > 0.003
    assert deepest(*2 * (settled(u, tasks, apart)[1][0],), CHAIN.pairs) < 0.001


def test_a_thumb_comes_out_of_the_key_beside_its_own():
    """A tip 6 mm beside the middle of its key overlaps the next one by millimetres."""
    key = 60 - 21
    u = hands_at(4, spread=0.0)
    u[:, JOINTS] += GEOMETRY.x[key] + 0.006 - poses_of(u).tips[0, 0, 0]
    u[:, JOINTS + 2] -= poses_of(u).tips[0, 0, 2] + 0.006
    tips = poses_of(u).tips.copy()
    tips[:, 1:, 2] = 0.03
    weight = np.ones((4, 5, 3))
    tasks = tasks_of(4, tips=tips, weight=weight, home=u, pull=POSTURE_WEIGHT)
    tasks.key[:, 0] = key
    free = weights_of(tip=1e4)
    clear = free._replace(keys=1e4, key_margin=0.002)
    depth = clear._replace(tip=0.0)
    alone = tasks._replace(pull=np.zeros((4, UNKNOWNS)))
    before, after = (
        equations_of(settled(u, tasks, weights)[0], alone, depth)[0] for weights in (free, clear)
    )
    assert before > 0.0
    assert after < 0.25 * before
    assert np.abs(poses_of(settled(u, tasks, clear)[0]).tips[:, 0] - tips[:, 0]).max() < 0.003


def test_two_hands_in_one_place_give_way_to_each_other():
    """Thumbs that cross, one a little above the other, part when the hands take turns."""
    hands = [hands_at(4, spread=0.0, height=0.15), hands_at(4, spread=0.0, height=0.154)]
    edge = poses_of(hands[0]).ends[..., 0].min() + 0.0025
    for hand in hands:
        hand[:, JOINTS] -= edge
    soft = np.concatenate([np.full(JOINTS, 0.05), np.full(4, 20.0)])
    tasks = [
        tasks_of(4, tips=poses_of(hand).tips, weight=np.full((4, 5, 3), 0.03), home=hand, pull=soft)
        for hand in hands
    ]
    weights = weights_of(tip=1e4, hands=1e4, hand_margin=0.01)
    mirror = np.array([-1.0, 1.0, 1.0])
    bones = range(len(CHAIN.bone_body))

    def overlap():
        first, second = (poses_of(hand).ends[0] for hand in hands)
        return deepest(first, second * mirror, [(a, b) for a in bones for b in bones])

    assert overlap() > 0.01
    for _ in range(6):
        for i in (0, 1):
            other = poses_of(hands[1 - i]).ends * mirror
            hands[i], _, _ = settled(hands[i], tasks[i], weights, other)
    assert overlap() < 0.0
