"""What the hands should do is the same to the last bit whoever works it out, and whatever
becomes of the helper."""

import os
import signal

import numpy as np
import pytest

from musclehand.controllers.muscle import MuscleController
from musclehand.core.errors import InvalidValue
from musclehand.core.helper_process import HelperProcess
from musclehand.music.repertoire import load_piece
from musclehand.music.score import keyboard_score
from musclehand.performance.perform import perform
from musclehand.planning.lookahead import BlockMaker, HandsStep, Layout, Reference
from musclehand.planning.strokes.motion import AHEAD
from musclehand.sim.scene import build_scene

STEPS = 150


@pytest.fixture(scope="module")
def clip():
    return keyboard_score(load_piece("clementi_sonatina").clip(0, 0.8))


@pytest.fixture(scope="module")
def scene():
    return build_scene()


def motions(clip, scene):
    return MuscleController(clip, scene=scene)._motions


@pytest.fixture(scope="module")
def expected(clip, scene):
    """Step by step from the motions themselves: by step, hand, field."""
    fresh = motions(clip, scene)
    return [[motion.at(step) for motion in fresh.values()] for step in range(STEPS)]


def assert_as_expected(step, found, expected):
    assert isinstance(found, HandsStep)
    for row, one in enumerate(expected[step]):
        for name, field, value in zip(HandsStep._fields, found, one, strict=True):
            assert np.array_equal(field[row], value), (step, row, name)


def test_blocks_are_the_steps_of_the_motions(clip, scene, expected):
    make = BlockMaker(motions(clip, scene))
    fields = Layout(make._motions).fields(make(0))
    assert fields.tips.shape == (AHEAD, 2, 5, 3)
    for step in range(AHEAD):
        assert_as_expected(step, HandsStep(*(field[step] for field in fields)), expected)


def test_alone(clip, scene, expected):
    reference = Reference(motions(clip, scene))
    for step in range(STEPS):
        assert_as_expected(step, reference.at(step), expected)
    reference.close()


def test_with_help(clip, scene, expected):
    helper = HelperProcess("musclehand.planning.lookahead")
    reference = Reference(motions(clip, scene), helper)
    reference._helped = True  # waits for the helper from the first step on
    for step in range(STEPS):
        assert_as_expected(step, reference.at(step), expected)
    assert reference._make.done == 0
    reference.close()


def test_help_that_breaks_off(clip, scene, expected, caplog):
    helper = HelperProcess("musclehand.planning.lookahead")
    reference = Reference(motions(clip, scene), helper)
    for step in range(STEPS):
        if step == 40:
            reference._helped = True
        if step == 70:
            os.kill(helper.pid, signal.SIGKILL)
            helper.close()
        assert_as_expected(step, reference.at(step), expected)
    assert "has ended" in caplog.text
    assert reference._make.done > 0


def test_a_performance_is_the_same_with_and_without_help(clip, tmp_path):
    files = []
    for processes in (1, 2):
        files.append(tmp_path / f"{processes}.h5")
        result = perform(clip, processes=processes, record=files[-1])
        assert result.metrics.onset_f1_50ms > 0.5
    one, two = (file.read_bytes() for file in files)
    assert one == two


def test_a_run_that_fails_ends_its_helper(clip, scene):
    from musclehand.controllers.run import Run

    player = MuscleController(clip, scene=scene, processes=2)
    pid = player._reference._helper.pid

    def fail(data, step):
        raise ValueError("no")

    player.control = fail
    with pytest.raises(ValueError, match="no"):
        Run(player, end=1.0).play()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_numbers_of_processes_that_make_no_sense(clip):
    for wrong in (0, 3):
        with pytest.raises(InvalidValue, match="processes"):
            perform(clip, processes=wrong)
