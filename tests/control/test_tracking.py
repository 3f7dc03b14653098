"""Following a motion: what is measured, against closed forms and MuJoCo, and what happens when a
hand cannot."""

import copy

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import DIP_PER_PIP, INDEPENDENT_JOINTS, Side
from musclehand.body.build.hand import hand_spec, load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, sample_postures
from musclehand.control.tracking import SETTLE, TrackingResult, tip_positions, track, whole_posture
from musclehand.core.errors import InvalidValue, ModelError
from musclehand.motion.reference import common_limits, reference_motions
from support.scripts import load

DT = 0.008


@pytest.fixture(scope="module")
def right():
    model = load_hand(Side.RIGHT)
    return model, HandIndex.from_model(model, Side.RIGHT)


@pytest.fixture(scope="module")
def motions(right):
    return {
        motion.kind: motion for motion in reference_motions(common_limits([right]), seconds=12.0)
    }


def still(right, seconds=0.8):
    """A posture to hold, off the springs' rest. Shapes (T, 19)."""
    home = common_limits([right]).mean(axis=1)
    angles = np.tile(home, (round(seconds / DT) + 1, 1))
    return angles, np.zeros_like(angles)


def test_last_joints_follow_the_middle_ones(right):
    _, hand = right
    rng = np.random.default_rng(0)
    free = rng.normal(size=(4, len(INDEPENDENT_JOINTS)))
    whole = whole_posture(hand, free)
    assert whole.shape == (4, len(hand.joints))
    for joint in INDEPENDENT_JOINTS:
        assert np.array_equal(
            whole[:, hand.joints.index(joint)], free[:, INDEPENDENT_JOINTS.index(joint)]
        )
    for finger in range(2, 6):
        middle = free[:, INDEPENDENT_JOINTS.index(f"pm{finger}_flexion")]
        assert whole[:, hand.joints.index(f"md{finger}_flexion")] == pytest.approx(
            DIP_PER_PIP * middle
        )
    assert couple(hand, whole) == pytest.approx(whole)  # our model couples them in the same way


def test_errors_are_what_they_say():
    time = np.arange(4) * DT
    joints = ("flexion", "deviation")
    angles = np.array([[0.0, 0.3], [0.0, -0.3], [0.0, 0.3], [0.0, 0.3]])
    tips = np.arange(20.0).reshape(4, 5)
    result = TrackingResult(
        None, joints, time, np.zeros((4, 2)), angles, tips, np.array([0.1, 0.2, 0.3, 0.4])
    )
    assert result.joint_rmse == pytest.approx([0.0, 0.3])
    assert result.rmse == pytest.approx(0.3 / np.sqrt(2))
    assert result.tip_error() == pytest.approx(9.5)
    assert result.tip_error(100) == 19.0
    assert result.mean_activation == pytest.approx(0.25)
    nothing = TrackingResult(
        "unstable", joints, time[:0], angles[:0], angles[:0], tips[:0], time[:0]
    )
    assert np.isnan([nothing.rmse, nothing.tip_error(), nothing.mean_activation]).all()


def test_fingertips_are_mujocos(right):
    model, hand = right
    postures = sample_postures(hand, hand.limits(model), 3, np.random.default_rng(1))
    tips = tip_positions(model, mujoco.MjData(model), hand, postures)
    for posture, places in zip(postures, tips, strict=True):
        data = mujoco.MjData(model)
        data.qpos[hand.qpos] = posture
        mujoco.mj_forward(model, data)
        assert places == pytest.approx(data.site_xpos[hand.tips])


def test_a_posture_is_held_whatever_the_springs(right):
    """Control knows the springs: five times as stiff, the posture is held as well."""
    model, hand = right
    stiff = copy.copy(model)
    stiff.jnt_stiffness[:] *= 5.0
    for one in (model, stiff):
        result = track(one, hand, *still(right), dt=DT)
        assert result.failure is None
        assert np.rad2deg(result.rmse) < 2.0
        assert result.time[0] > SETTLE
        assert (
            len(result.time)
            == len(result.angles)
            == len(result.reference)
            == len(result.tip_errors)
        )


@pytest.mark.parametrize("kind", ["playing", "wrist"])
def test_our_hand_follows(right, motions, kind):
    model, hand = right
    motion = motions[kind]
    before = model.opt.timestep, model.opt.disableflags
    result = track(model, hand, motion.angles, motion.speeds, dt=motion.dt)
    assert result.failure is None
    assert np.rad2deg(result.rmse) < 3.0
    assert result.tip_error(50) < 0.005
    assert result.tip_error(50) <= result.tip_error(95)
    assert 0.0 < result.mean_activation < 0.3
    assert result.time[-1] == pytest.approx(motion.duration)
    assert before == (model.opt.timestep, model.opt.disableflags)
    again = track(model, hand, motion.angles, motion.speeds, dt=motion.dt)
    assert np.array_equal(result.angles, again.angles)


def test_the_left_hand_follows_like_the_right(right, motions):
    motion = motions["playing"]
    model = load_hand(Side.LEFT)
    left = (model, HandIndex.from_model(model, Side.LEFT))
    results = [
        track(*one, motion.angles[:150], motion.speeds[:150], dt=motion.dt) for one in (right, left)
    ]
    assert np.rad2deg(np.abs(results[0].angles - results[1].angles)).max() < 0.1
    assert np.abs(results[0].tip_errors - results[1].tip_errors).max() < 1e-4


def test_a_hand_without_muscle_force_does_not_follow(right, motions):
    model, hand = right
    weak = copy.copy(model)
    weak.actuator_gainprm[:, 2] *= 1e-4
    weak.actuator_biasprm[:, 2] *= 1e-4
    motion = motions["grasps"]
    result = track(weak, hand, motion.angles, motion.speeds, dt=motion.dt)
    assert result.failure is None
    assert np.rad2deg(result.rmse) > 10.0


def test_what_blows_up_is_said_and_does_not_count(right):
    """Damping below zero feeds a hand until MuJoCo starts over."""
    model, hand = right
    wild = copy.copy(model)
    wild.dof_damping[hand.dofs] = -5.0
    result = track(wild, hand, *still(right, 2.0), dt=DT)
    assert result.failure is not None
    assert len(result.time) == len(result.angles) < 2.0 / DT - SETTLE / DT
    assert np.isfinite(result.angles).all()


def test_what_cannot_be_tracked_says_why(right):
    model, hand = right
    angles, speeds = still(right)
    with pytest.raises(InvalidValue, match="motion"):
        track(model, hand, angles, speeds[1:])
    with pytest.raises(InvalidValue, match="motion"):
        track(model, hand, angles * np.nan, speeds)
    with pytest.raises(InvalidValue, match="motion"):
        track(model, hand, angles[:, :5], speeds[:, :5])
    with pytest.raises(InvalidValue, match="time step"):
        track(model, hand, angles, speeds, dt=0.0)
    spec = hand_spec(Side.RIGHT)
    spec.worldbody.first_body().add_freejoint()
    loose = spec.compile()
    with pytest.raises(ModelError, match="alone"):
        track(loose, HandIndex.from_model(loose, Side.RIGHT), angles, speeds)


def test_the_benchmark_compares_and_resumes(tmp_path, capsys, monkeypatch):
    bench = load("bench_tracking")
    args = bench.Args(minutes=1 / 6, out=tmp_path, workers=1)
    hands = bench.open_hands(args)
    monkeypatch.setattr(bench, "open_hands", lambda args: hands)
    bench.main(args)
    table = (tmp_path / "tables.md").read_text()
    assert table.strip() in capsys.readouterr().out
    for name in ("musclehand", "MyoHand 0.2.3", "MyoHand, length ranges repaired"):
        assert f"| {name} |" in table
    assert "| joint error, ratio to MyoHand's | at most 0.25 |" in table
    assert (tmp_path / "tracking.png").stat().st_size > 10_000
    files = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")}
    assert len(files) == 3 * 5
    bench.main(args)
    assert files == {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")}
