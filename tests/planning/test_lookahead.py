"""The reference motion is the same to the last bit in whichever process it is solved, and whatever
becomes of the helper."""

import os
import signal

import numpy as np
import pytest

from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.run import Run
from musclehand.core.errors import InvalidValue
from musclehand.music.repertoire import load_piece
from musclehand.music.score import keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.lookahead import (
    AHEAD,
    BlockLayout,
    BlockMaker,
    HandsStep,
    ReferenceStream,
    start_helper,
)
from musclehand.planning.plan import plan_performance

STEPS = 150


@pytest.fixture(scope="module")
def clip():
    return keyboard_score(load_piece("clementi_sonatina").clip(0, 0.8))


def motion_of(clip):
    """A motion of which no step was solved yet."""
    return plan_performance(clip).motion()


@pytest.fixture(scope="module")
def expected(clip):
    """Steps of the motion itself: by step, hand, field."""
    motion = motion_of(clip)
    return [motion.at(step) for step in range(STEPS)]


def assert_as_expected(step, reference, expected):
    assert isinstance(reference, HandsStep)
    assert len(expected[step]) == 2
    for row, hand_step in enumerate(expected[step]):
        for name, field, value in zip(HandsStep._fields, reference, hand_step, strict=True):
            assert np.array_equal(field[row], value), (step, row, name)


def test_blocks_are_the_steps_of_the_motions(clip, expected):
    motion = motion_of(clip)
    layout = BlockLayout(motion)
    block = BlockMaker(motion)(0)
    assert block.shape == (layout.size,)
    fields = layout.fields(block)
    assert fields.tips.shape == (AHEAD, 2, 5, 3)
    for step in range(AHEAD):
        assert_as_expected(step, HandsStep(*(field[step] for field in fields)), expected)


def test_alone(clip, expected):
    stream = ReferenceStream(motion_of(clip))
    for step in range(STEPS):
        assert_as_expected(step, stream.at(step), expected)
    stream.close()


def test_with_help(clip, expected):
    stream = ReferenceStream(motion_of(clip), start_helper())
    stream._helped = True  # waits for the helper from the first step on
    for step in range(STEPS):
        assert_as_expected(step, stream.at(step), expected)
    assert stream._make.done == 0
    stream.close()


def test_help_that_breaks_off(clip, expected, caplog):
    helper = start_helper()
    stream = ReferenceStream(motion_of(clip), helper)
    for step in range(STEPS):
        if step == 40:
            stream._helped = True
        if step == 70:
            os.kill(helper.pid, signal.SIGKILL)
            helper.close()
        assert_as_expected(step, stream.at(step), expected)
    assert "has ended" in caplog.text
    assert stream._make.done > 0


def test_a_performance_is_the_same_with_and_without_help(clip, tmp_path):
    files = []
    for processes in (1, 2):
        files.append(tmp_path / f"{processes}.h5")
        result = perform(clip, PlayerSettings(processes=processes), record=files[-1])
        assert result.metrics.onset_f1_50ms > 0.5
    alone, helped = (file.read_bytes() for file in files)
    assert alone == helped


def test_a_run_that_fails_ends_its_helper(clip):
    helper = start_helper()
    player = MuscleController(plan_performance(clip), helper=helper)
    pid = helper.pid

    def fail(data, step):
        raise ValueError("no")

    player.control = fail
    with pytest.raises(ValueError, match="no"):
        Run(player, end=1.0).play()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_numbers_of_processes_that_make_no_sense():
    for processes in (0, 3):
        with pytest.raises(InvalidValue, match="processes"):
            PlayerSettings(processes=processes)
