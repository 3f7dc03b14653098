"""Muscles of motions by name and from clips, for the bundled hand and others."""

import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, Side
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.model.simulate import open_hand, read_motion, simulate
from musclehand.motion.clip import MotionClip, write_clips


def clip(name, frames=100):
    qpos = np.linspace(0.0, 0.1, frames)[:, None] * np.arange(25)
    qvel = np.full((frames, 25), 0.5)
    forearm = np.zeros((frames, 6))
    tips = np.zeros((frames, 5, 3))
    return MotionClip(
        name, "test", name, Side.RIGHT, 0.008, qpos, qvel, forearm, tips, np.zeros((0, 5))
    )


@pytest.fixture
def clips(tmp_path):
    write_clips(tmp_path / "clips.h5", [clip("slow"), clip("fast")])
    return tmp_path / "clips.h5"


def test_a_movement_by_name_is_simulated():
    muscles = simulate("pronation", hold=1.0)
    assert muscles.fs_hz == pytest.approx(125.0)
    assert muscles.muscles[int(muscles.values.mean(axis=0).argmax())] in ("PT", "PQ")


def test_a_clip_has_the_independent_joints(clips):
    motion = read_motion(clips, "slow")
    joint = INDEPENDENT_JOINTS[-1]
    assert motion.angles.shape == (100, len(INDEPENDENT_JOINTS))
    assert motion.angles[-1, -1] == pytest.approx(0.1 * HAND_JOINTS.index(joint))
    assert (motion.speeds == 0.5).all()
    assert motion.dt == 0.008


def test_a_clip_must_be_named_where_there_are_several(clips):
    with pytest.raises(InvalidValue, match="fast, slow"):
        read_motion(clips)
    with pytest.raises(UnknownName, match="slow"):
        read_motion(clips, "slo")
    with pytest.raises(UnknownName, match="ulnar-deviation"):
        simulate("ulnar-deviaton")


def test_another_model_has_its_own_muscles_and_a_fixed_elbow():
    model, hand = open_hand("myohand")
    bundled, bundled_hand = open_hand("musclehand")
    assert set(hand.muscle_names) != set(bundled_hand.muscle_names)
    assert model.nv == len(hand.joints)
    assert bundled.nv == len(bundled_hand.joints)
