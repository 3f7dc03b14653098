"""`musclehand emg simulate`: movements by name and from clips, and what is no motion."""

import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.cli.emg.simulate import SimulateArgs, simulate
from musclehand.core.errors import MusclehandError
from musclehand.emg.io.simulated import read_simulated
from musclehand.motion.clip import MotionClip, write_clips


def test_a_movement_by_name_becomes_activations(tmp_path, capsys):
    path = tmp_path / "pronation.sto"
    simulate(SimulateArgs("pronation", path, hold=1.0))
    muscles = read_simulated(path)
    assert muscles.fs_hz == pytest.approx(125.0, rel=1e-3)
    assert "PT" in muscles.muscles
    assert "most active" in capsys.readouterr().out


def test_a_clip_is_followed(tmp_path):
    frames = 100
    qpos = np.zeros((frames, 25))
    still = np.zeros((frames, 6))
    clip = MotionClip(
        "still",
        "test",
        "still",
        Side.RIGHT,
        0.008,
        qpos,
        qpos,
        still,
        np.zeros((frames, 5, 3)),
        np.zeros((0, 5)),
    )
    write_clips(tmp_path / "clips.h5", [clip])
    simulate(SimulateArgs(str(tmp_path / "clips.h5"), tmp_path / "still.sto"))
    muscles = read_simulated(tmp_path / "still.sto")
    assert len(HAND_JOINTS) == 25
    # Straight fingers are far from rest, and are held against passive torque.
    assert muscles.values.mean() < 0.15


@pytest.mark.parametrize(
    ("motion", "out", "words"),
    [
        ("wave", "a.sto", "movement"),
        ("none.h5", "a.sto", "none.h5"),
        ("fist", "a.csv", "ends in .sto"),
    ],
)
def test_what_is_no_motion_is_told(tmp_path, motion, out, words):
    with pytest.raises(MusclehandError, match=words):
        simulate(SimulateArgs(motion, tmp_path / out))
