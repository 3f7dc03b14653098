"""The hand as a whole: fibres that work over the range of motion, strength, rest, stability, and
where things are."""

import mujoco
import numpy as np
import pytest
from scipy.optimize import linprog

from musclehand.body.analysis.reference import load_reference
from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side, coupled_joint, coupling_ratio
from musclehand.body.build.hand import CORNER_RANGE, FIBRE_RANGE, fit_fibres, load_hand
from musclehand.body.muscle import force_length, muscle_force, muscle_parameters
from musclehand.body.posture import PLAYING_POSTURE_DEG, couple
from musclehand.core.errors import InvalidValue
from musclehand.sim.scene import build_scene
from support.dense import dense_dynamics

UNSTABLE = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)


def random_postures(tables, count, seed):
    """Postures within the limits, spread less where fingers are bent, last joints with the
    middle ones."""
    lower, upper = (
        np.array([getattr(row, end) for row in tables.joints]) for end in ("lower", "upper")
    )
    qpos = lower + np.random.default_rng(seed).random((count, len(lower))) * (upper - lower)
    for i, name in enumerate(HAND_JOINTS):
        if name.startswith("mcp") and name.endswith("abduction"):
            bend = qpos[:, HAND_JOINTS.index(name.replace("abduction", "flexion"))]
            qpos[:, i] *= 1 - 0.7 * np.clip(bend / (np.pi / 2), 0, 1)
        if coupled_joint(name) is not None:
            qpos[:, i] = coupling_ratio(name) * qpos[:, HAND_JOINTS.index(coupled_joint(name))]
    return qpos


def posed(right_hand, qpos):
    model, hand = right_hand
    data = mujoco.MjData(model)
    data.qpos[hand.qpos] = qpos
    mujoco.mj_forward(model, data)
    return data


@pytest.fixture(scope="module")
def muscles(right_hand):
    model, hand = right_hand
    return muscle_parameters(model, hand.muscles)


@pytest.fixture(scope="module")
def lengths(right_hand, tables):
    """Path lengths over postures the fit did not see. Shape (300, 46)."""
    hand = right_hand[1]
    return np.array(
        [
            posed(right_hand, qpos).actuator_length[hand.muscles]
            for qpos in random_postures(tables, 300, seed=101)
        ]
    )


@pytest.fixture(scope="module")
def rest_data(right_hand, tables):
    return posed(right_hand, [row.rest for row in tables.joints])


def test_fibres_stay_on_the_usable_part_of_the_curve(muscles, lengths):
    """Random postures that the fit has not seen: hardly any passes the usual range, and none the
    range of corners."""
    fibre = (lengths - muscles.lts) / muscles.l0
    usual = (fibre > FIBRE_RANGE[0] - 0.01) & (fibre < FIBRE_RANGE[1] + 0.01)
    assert usual.mean() > 0.995
    assert fibre.min() > CORNER_RANGE[0]
    assert fibre.max() < CORNER_RANGE[1]


def test_fitted_lengths_hold_what_they_promise(tables):
    for row in tables.muscles:
        fibre = fit_fibres(tables)[row.muscle]
        assert fibre.l0 >= row.l0
        assert fibre.shortest < fibre.longest
        ends = (np.array([fibre.shortest, fibre.longest]) - fibre.lts) / fibre.l0
        assert ends[0] >= CORNER_RANGE[0] - 1e-9
        assert ends[1] <= CORNER_RANGE[1] + 1e-9


def test_forces_are_one_tension_times_the_mean_of_two_published_areas(tables):
    """The rule of `models/hand/SOURCES.md`: 45 N/cm2 times the mean of Lieber's areas and of
    Brand's, which are scaled so that FDS and FDP together have the same area."""
    areas = {"Gonzalez1997": {}, "Brand1993": {}}
    for row in load_reference().architecture:
        if row.source in areas and row.pcsa is not None:
            areas[row.source][row.muscle] = 1e4 * row.pcsa
    lieber, brand = areas.values()
    assert sorted(lieber) == sorted(brand)
    digits = [muscle for muscle in lieber if muscle.startswith(("FDS", "FDP"))]
    assert sum(brand[muscle] for muscle in digits) == pytest.approx(
        sum(lieber[muscle] for muscle in digits), rel=1e-3
    )
    forces = {row.muscle: row.f0 for row in tables.muscles}
    for muscle in set(lieber) - {"FPL"}:
        mean = (lieber[muscle] + brand[muscle]) / 2
        assert forces[muscle] == pytest.approx(45.0 * mean, abs=0.2), muscle


def test_fibres_have_their_optimal_length_at_rest(right_hand, tables, muscles):
    """Where the last joints are as far bent as their coupling says; the table rounds that to a
    degree."""
    assert FIBRE_RANGE == (0.5, 1.5)
    hand = right_hand[1]
    rest = couple(hand, np.array([row.rest for row in tables.joints]))
    fibre = (posed(right_hand, rest).actuator_length[hand.muscles] - muscles.lts) / muscles.l0
    assert fibre == pytest.approx(np.ones(len(fibre)), abs=1e-9)
    assert force_length(fibre, muscles.lmin, muscles.lmax) == pytest.approx(
        np.ones(len(fibre)), abs=1e-9
    )


def test_every_muscle_is_strong_over_the_range_of_motion(muscles, lengths):
    """The defect of the published hands: muscles that give a few percent of their force because
    lengths do not fit."""
    gain, _ = muscle_force(muscles, lengths, np.zeros_like(lengths))
    assert ((-gain / muscles.f0).mean(axis=0) > 0.3).all()


def test_relaxed_muscles_leave_the_rest_posture_alone(right_hand, rest_data, muscles):
    model, hand = right_hand
    _, passive = muscle_force(
        muscles, rest_data.actuator_length[hand.muscles], np.zeros(len(hand.muscles))
    )
    arms = dense_dynamics(model, rest_data)[1][np.ix_(hand.muscles, hand.dofs)]
    assert np.abs(hand.expand.T @ arms.T @ passive).max() < 0.15
    springs = (
        model.jnt_stiffness[model.dof_jntid[hand.dofs]]
        * (rest_data.qpos - model.qpos_spring)[hand.qpos]
    )
    assert np.abs(springs).max() < 1e-9


@pytest.mark.parametrize("digit", DIGITS)
def test_every_finger_can_press_in_the_playing_posture(right_hand, muscles, digit):
    """Largest force F down at the fingertip with all 19 joints in equilibrium, a linear programme
    in (a, F):

    arms^T (gain a + bias) + springs + J^T (F up) = 0 and 0 <= a <= 1, without gravity. The forearm
    is held; its rotation and the wrist are held by the hand's own muscles.
    """
    model, hand = right_hand
    qpos = np.deg2rad([PLAYING_POSTURE_DEG.get(name, 0.0) for name in HAND_JOINTS])
    for i, name in enumerate(HAND_JOINTS):
        if coupled_joint(name) is not None:
            qpos[i] = coupling_ratio(name) * qpos[HAND_JOINTS.index(coupled_joint(name))]
    data = posed(right_hand, qpos)
    arms = hand.expand.T @ dense_dynamics(model, data)[1][np.ix_(hand.muscles, hand.dofs)].T
    gain, bias = muscle_force(
        muscles, data.actuator_length[hand.muscles], np.zeros(len(hand.muscles))
    )
    jacobian = np.zeros((3, model.nv))
    mujoco.mj_jacSite(model, data, jacobian, None, hand.tips[DIGITS.index(digit)])
    # the back of the right hand is at +z of its root frame
    up = jacobian[2, hand.dofs] @ hand.expand
    passive = arms @ bias + hand.expand.T @ data.qfrc_passive[hand.dofs]
    count = len(hand.muscles)
    solution = linprog(
        c=[*np.zeros(count), -1.0],
        A_eq=np.column_stack([arms * gain, up]),
        b_eq=-passive,
        bounds=[*[(0, 1)] * count, (0, None)],
    )
    assert solution.status == 0, solution.message
    assert solution.x[-1] > 5.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hold", [1000, 10], ids=["constant", "changing"])
def test_limits_hold_and_nothing_diverges_under_random_excitation(right_hand, seed, hold):
    """Two seconds at 2 ms. Excitations kept all the time drive joints into their limits hardest."""
    model, hand = right_hand
    assert model.opt.timestep == 0.002
    data = mujoco.MjData(model)
    rng = np.random.default_rng(seed)
    limits = model.jnt_range[model.dof_jntid[hand.dofs]]
    beyond = 0.0
    for step in range(1000):
        if step % hold == 0:
            data.ctrl[:] = rng.random(model.nu)
        mujoco.mj_step(model, data)
        qpos = data.qpos[hand.qpos]
        beyond = max(beyond, (limits[:, 0] - qpos).max(), (qpos - limits[:, 1]).max())
    assert np.rad2deg(beyond) < 3
    assert all(data.warning[kind].number == 0 for kind in UNSTABLE)


def test_ids_are_those_of_the_names(right_hand, tables):
    model, hand = right_hand
    assert [model.actuator(i).name for i in hand.muscles] == [
        f"{name}_r" for name in tables.muscle_names
    ]
    assert [model.joint(model.dof_jntid[i]).name for i in hand.dofs] == [
        f"{name}_r" for name in HAND_JOINTS
    ]
    assert [model.site(i).name for i in hand.tips] == [f"tip_{digit}_r" for digit in DIGITS]
    data = mujoco.MjData(model)
    data.ctrl[hand.muscles[7]] = 1.0
    mujoco.mj_step(model, data)
    assert np.flatnonzero(data.act) == [hand.act[7]]


def test_strength_scale_scales_forces_and_nothing_else():
    strong_scene, weak_scene = (
        build_scene(sides=(Side.LEFT,), strength_scale=scale) for scale in (1.0, 0.5)
    )
    hand = strong_scene.hands[Side.LEFT]
    strong, weak = (
        muscle_parameters(scene.model, hand.muscles) for scene in (strong_scene, weak_scene)
    )
    assert weak.f0 == pytest.approx(0.5 * strong.f0)
    assert weak.l0 == pytest.approx(strong.l0)
    assert weak.lts == pytest.approx(strong.lts)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_senseless_strength_is_refused(scale):
    with pytest.raises(InvalidValue, match="strength scale"):
        build_scene(sides=(Side.RIGHT,), strength_scale=scale)


def test_loading_twice_gives_the_same_model():
    def content(model):
        buffer = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
        mujoco.mj_saveModel(model, None, buffer)
        return buffer.tobytes()

    assert content(load_hand(Side.LEFT)) == content(load_hand(Side.LEFT))
