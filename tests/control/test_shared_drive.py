"""Control through shared drive, against scipy, MuJoCo's own activation, and the control without."""

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.table_rows import SharedDrive
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.enslaving import shared_drives
from musclehand.body.conditions.mixing import DriveMixer
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import MuscleParameters, activation_after, reachable_activation
from musclehand.body.posture import PLAYING_POSTURE_DEG
from musclehand.control.arrays import HandTarget
from musclehand.control.criterion import Sharing
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.control.shared_drive import DriveSharing
from musclehand.control.tracking import track
from musclehand.core.errors import InvalidValue
from musclehand.sim.scene import build_scene

NAMES = ("FDP2", "FDP3", "FDP4", "DI1", "FPL")
BELLY = SharedDrive(
    "FDP", ("FDP2", "FDP3", "FDP4"), ((1.0, 0.4, 0.1), (0.3, 1.0, 0.5), (0.2, 0.6, 1.0)), 1.5
)
DT = 0.002
EFFORT = 0.01
ONES = np.ones(len(NAMES))
MUSCLES = MuscleParameters(*[ONES] * 8, 0.010 * ONES, 0.020 * ONES)


def problem(seed):
    """A task of two things to five muscles, their activations, and what one step can reach."""
    rng = np.random.default_rng(seed)
    act = rng.uniform(0.0, 0.6, len(NAMES))
    ceiling = rng.choice([1.0, 0.7], len(NAMES))
    act = np.minimum(act, 0.9 * ceiling)
    reach = reachable_activation(MUSCLES, act, DT, 1, ceiling=ceiling)
    return rng.normal(size=(len(NAMES), 2)), rng.normal(size=2), act, reach, ceiling


def cost(activations, factor, goal):
    missed = factor.T @ activations - goal
    return 0.5 * missed @ missed + 0.5 * EFFORT * activations @ activations


def outcome(excitations, activations, act, shared):
    """Activations at the end: those asked for, and those that the shared excitations lead to."""
    end = activations.copy()
    end[shared] = activation_after(MUSCLES, act, excitations, DT, 1)[shared]
    return end


@pytest.mark.parametrize("seed", range(12))
def test_commands_are_the_best_that_scipy_finds(seed):
    factor, goal, act, reach, ceiling = problem(seed)
    mixer = DriveMixer(NAMES, (BELLY,))
    activations, excitations = DriveSharing(mixer, MUSCLES, DT, 1, effort=EFFORT).excitations(
        factor, goal, act, reach, ceiling
    )
    ours = cost(outcome(excitations, activations, act, mixer.shared), factor, goal)

    def total(x):
        end = x.copy()
        mixed = ceiling * mixer.mix(np.where(np.isin(range(5), mixer.shared), x, 0.0))
        end[mixer.shared] = activation_after(MUSCLES, act, mixed, DT, 1)[mixer.shared]
        return cost(end, factor, goal)

    bounds = [
        (0.0, 1.0) if i in mixer.shared else (reach[0][i], reach[1][i]) for i in range(len(NAMES))
    ]
    rng = np.random.default_rng(seed)
    best = min(
        minimize(
            total, [rng.uniform(*bound) for bound in bounds], bounds=bounds, method="Powell"
        ).fun
        for _ in range(4)
    )
    # Commands at their bound are scaled down to it, which costs a little.
    assert ours <= 1.01 * best + 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_without_drives_it_is_the_sharing_of_independent_muscles(seed):
    factor, goal, act, reach, ceiling = problem(seed)
    activations, _ = DriveSharing(DriveMixer(NAMES, ()), MUSCLES, DT, 1, effort=EFFORT).excitations(
        factor, goal, act, reach, ceiling
    )
    expected = Sharing("squares", EFFORT).activations(factor, goal, *reach)
    assert activations == pytest.approx(expected, abs=1e-6)


@given(seed=st.integers(0, 10_000))
def test_excitations_are_always_those_of_allowed_commands(seed):
    factor, goal, act, reach, ceiling = problem(seed)
    mixer = DriveMixer(NAMES, (BELLY,))
    _, excitations = DriveSharing(mixer, MUSCLES, DT, 1, effort=EFFORT).excitations(
        20.0 * factor, 20.0 * goal, act, reach, ceiling
    )
    assert (excitations[mixer.shared] <= ceiling[mixer.shared] + 1e-12).all()
    whole = np.where(np.isin(range(5), mixer.shared), excitations / ceiling, 0.0)
    commands = np.linalg.solve(mixer.matrix, whole)
    if whole.max() < 1.0 - 1e-9:
        assert commands.min() >= -1e-9
        assert np.sum(np.abs(commands[:3]) ** 1.5) ** (1 / 1.5) <= 1.0 + 1e-9


@pytest.fixture(scope="module")
def solo():
    return build_scene(sides=(Side.RIGHT,))


def target(hand):
    angles = np.deg2rad([PLAYING_POSTURE_DEG.get(name, 0.0) for name in HAND_JOINTS])
    qpos = angles[hand.independent]
    return HandTarget(qpos[None], np.zeros((1, len(qpos))), np.zeros((1, 5)), np.zeros((1, 6)))


def control_of(scene, **options):
    hand, forearm = scene.hands[Side.RIGHT], scene.forearms[Side.RIGHT]
    return MuscleControl(scene.model, [hand], [forearm.dofs], sim_steps=2, **options)


def begin(scene):
    data = mujoco.MjData(scene.model)
    data.qpos[scene.forearms[Side.RIGHT].qpos[2]] = 0.3
    mujoco.mj_step1(scene.model, data)
    return data


def test_no_drives_leave_the_control_as_it_was_to_the_last_bit(solo):
    data = begin(solo)
    hand = solo.hands[Side.RIGHT]
    plain, same = control_of(solo), control_of(solo, drives=())
    for _ in range(5):
        excitations = plain.excitations(data, target(hand))
        assert np.array_equal(excitations, same.excitations(data, target(hand)))
        assert np.array_equal(excitations, plain.mixed(excitations))
        data.ctrl[hand.muscles] = excitations[0]
        mujoco.mj_step2(solo.model, data)
        mujoco.mj_step1(solo.model, data)


def test_activations_become_what_the_control_asked_for(solo, monkeypatch):
    data = begin(solo)
    hand = solo.hands[Side.RIGHT]
    control = control_of(solo, drives=shared_drives())
    asked = []
    ask = control.activations
    monkeypatch.setattr(control, "activations", lambda *args: asked.append(ask(*args)) or asked[-1])
    for _ in range(20):
        data.ctrl[hand.muscles] = control.excitations(data, target(hand))[0]
        mujoco.mj_step2(solo.model, data)
        mujoco.mj_step(solo.model, data)
        assert data.act[hand.act] == pytest.approx(asked[-1][0], abs=0.01)
        mujoco.mj_step1(solo.model, data)


def test_drives_need_the_criterion_of_squares(solo):
    with pytest.raises(InvalidValue, match='"squares" where muscles share drive'):
        control_of(solo, config=ControlConfig(criterion="cubes"), drives=shared_drives())


def test_a_control_that_knows_of_the_drives_follows_more_closely(tables):
    changed = apply_condition(tables, find_condition("enslaving"))
    model = load_hand(Side.RIGHT, tables=changed)
    hand = HandIndex.from_model(model, Side.RIGHT)
    time = np.arange(0.0, 1.5, 0.008)
    angles = np.tile(
        np.deg2rad([PLAYING_POSTURE_DEG.get(n, 0.0) for n in INDEPENDENT_JOINTS]), (len(time), 1)
    )
    speeds = np.zeros_like(angles)
    for joint in ("mcp4_flexion", "pm4_flexion"):
        column = INDEPENDENT_JOINTS.index(joint)
        angles[:, column] += 0.2 * (1.0 - np.cos(2 * np.pi * 3 * time))
        speeds[:, column] = 0.2 * 2 * np.pi * 3 * np.sin(2 * np.pi * 3 * time)
    knowing, unaware = (
        track(model, hand, angles, speeds, drives=changed.drives, aware=aware)
        for aware in (True, False)
    )
    assert knowing.tip_error() < 0.5 * unaware.tip_error()
    assert knowing.mean_activation < unaware.mean_activation
    free = load_hand(Side.RIGHT)
    independent = track(free, HandIndex.from_model(free, Side.RIGHT), angles, speeds)
    assert independent.mean_activation < knowing.mean_activation
    assert knowing.tip_error() < 0.5e-3
