"""A clip by its file, or by file and name, and its first seconds."""

import numpy as np
import pytest

from musclehand.core.errors import FileError, InvalidValue, UnknownName
from musclehand.motion.clip import write_clips
from musclehand.motion.sources import load_clip
from support.tracking_clips import wave


@pytest.fixture
def path(tmp_path):
    write_clips(tmp_path / "clips.h5", [wave(0), wave(1)])
    return tmp_path / "clips.h5"


def test_a_clip_is_found_by_file_or_by_name(path):
    assert load_clip(path).name == "wave_0_r"
    assert load_clip(f"{path}:wave_1_r").name == "wave_1_r"
    with pytest.raises(UnknownName, match="wave_9"):
        load_clip(f"{path}:wave_9")


def test_only_the_first_seconds_are_kept(path):
    clip = load_clip(path)
    part = load_clip(path, seconds=0.5)
    assert part.duration == pytest.approx(0.5, abs=2 * clip.dt)
    np.testing.assert_array_equal(part.qpos, clip.qpos[: len(part.qpos)])
    assert part.fingertips.shape == (len(part.qpos), 5, 3)
    with pytest.raises(InvalidValue, match="seconds"):
        load_clip(path, seconds=0.0)


def test_a_file_without_clips_is_refused(tmp_path):
    write_clips(tmp_path / "empty.h5", [])
    with pytest.raises(FileError, match="no clip"):
        load_clip(tmp_path / "empty.h5")
    with pytest.raises(FileError):
        load_clip(tmp_path / "nothing.h5")
