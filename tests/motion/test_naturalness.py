"""Measures of naturalness against closed forms, and on clips made by hand."""

from functools import lru_cache

import numpy as np
import pytest

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip
from musclehand.motion.naturalness import (
    cocontraction_index,
    log_dimensionless_jerk,
    measure_naturalness,
    spectral_arc_length,
)

DT = 0.008
TIME = np.linspace(0.0, 1.0, 2001)


@lru_cache(maxsize=1)
def own_hand():
    model = load_hand(Side.RIGHT)
    return model, HandIndex.from_model(model, Side.RIGHT)


def minimum_jerk(share):
    share = np.clip(share, 0.0, 1.0)
    return 10 * share**3 - 15 * share**4 + 6 * share**5


def along_z(values):
    return np.stack([np.zeros_like(values), np.zeros_like(values), values], axis=1)


def clip_of(qpos, tips, notes, activations=None, muscles=()):
    frames = len(qpos)
    return MotionClip(
        name="made",
        kind="test",
        pattern="test",
        side=Side.RIGHT,
        dt=DT,
        qpos=qpos,
        qvel=np.zeros_like(qpos),
        forearm=np.zeros((frames, 6)),
        fingertips=tips,
        notes=np.array(notes, dtype=float).reshape(-1, 5),
        activations=activations,
        muscles=muscles,
    )


@pytest.mark.parametrize("size", [0.01, 0.3])
@pytest.mark.parametrize("duration", [0.2, 3.0])
def test_a_minimum_jerk_movement_has_the_known_jerk_whatever_its_size_and_duration(size, duration):
    path = along_z(size * minimum_jerk(TIME))
    assert log_dimensionless_jerk(path, duration / 2000) == pytest.approx(-np.log(204.8), abs=0.02)


def test_submovements_and_tremor_are_less_smooth_by_both_measures():
    once = along_z(minimum_jerk(TIME))
    twice = along_z(0.5 * minimum_jerk(2 * TIME) + 0.5 * minimum_jerk(2 * TIME - 1))
    tremor = once + along_z(0.005 * np.sin(2 * np.pi * 9.0 * TIME))
    for measure in (log_dimensionless_jerk, spectral_arc_length):
        smooth = measure(once, 0.0005)
        assert measure(twice, 0.0005) < smooth
        assert measure(tremor, 0.0005) < smooth


def test_spectral_arc_of_a_sinc_spectrum():
    # Constant speed for a second: its spectrum is |sinc|, whose arc is summed here on a grid of its
    # own.
    path = along_z(np.linspace(0.0, 1.0, 1001))
    frequency = np.linspace(0.0, 20.0, 400_001)
    spectrum = np.abs(np.sinc(frequency))
    last = np.flatnonzero(spectrum >= 0.05)[-1]
    arc = np.hypot(
        np.diff(frequency[: last + 1]) / frequency[last], np.diff(spectrum[: last + 1])
    ).sum()
    # The measure's own grid, 16 points a lobe as its authors have it, cuts a little off peaks and
    # zeros.
    assert spectral_arc_length(path, 0.001) == pytest.approx(-arc, rel=0.04)


def test_nothing_that_moves_is_neither_smooth_nor_an_error():
    assert log_dimensionless_jerk(np.zeros((9, 3)), DT) == -np.inf
    assert spectral_arc_length(np.zeros((9, 3)), DT) == 0.0
    with pytest.raises(InvalidValue, match="at least 5"):
        log_dimensionless_jerk(np.zeros((4, 3)), DT)


def test_cocontraction_is_the_share_in_balance():
    flexing = np.array([[1.0, 0.0, 3.0, 0.0], [1.0, 2.0, 0.0, 0.0]])
    extending = np.array([[1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    assert np.allclose(
        cocontraction_index(flexing, extending), [1.0, 0.0, 0.5, np.nan], equal_nan=True
    )


def test_idle_fingers_are_told_from_playing_ones():
    frames = 250
    time = np.arange(frames) * DT
    tips = np.zeros((frames, len(DIGITS), 3))
    stroke = 0.01 * minimum_jerk((time - 0.85) / 0.15)
    tips[:, 1, 2] = -stroke
    tips[:, [0, 2, 3, 4], 2] = -0.25 * stroke[:, None]
    qpos = np.zeros((frames, len(HAND_JOINTS)))
    alone = measure_naturalness(clip_of(qpos, tips, [[1.0, 1.5, 60, 80, 2]]), *own_hand())
    assert alone.strokes == 1
    assert alone.individuation[1] == pytest.approx(0.75, abs=1e-3)
    assert np.isnan(alone.individuation[[0, 2, 3, 4]]).all()
    assert alone.cocontraction is None
    together = measure_naturalness(
        clip_of(qpos, tips, [[1.0, 1.5, 60, 80, 2], [0.9, 1.2, 62, 80, 3]]), *own_hand()
    )
    assert together.strokes == 2
    assert together.individuation[1] == pytest.approx(0.75, abs=1e-3)
    everybody = [[1.0, 1.5, 60 + finger, 80, finger] for finger in range(1, 6)]
    busy = measure_naturalness(clip_of(qpos, tips, everybody), *own_hand())
    assert np.isnan(busy.individuation).all()


def test_range_use_is_the_share_of_the_joints_range():
    model, hand = own_hand()
    low, high = hand.limits(model).T
    qpos = np.linspace(low, high, 1001)
    silent = measure_naturalness(clip_of(qpos, np.zeros((1001, 5, 3)), []), model, hand)
    assert silent.range_use == pytest.approx(np.full(len(HAND_JOINTS), 0.9), abs=1e-3)
    assert (silent.strokes, silent.log_jerk, silent.spectral_arc) == (0, None, None)


def test_cocontraction_of_a_clip_goes_by_its_muscles():
    model, hand = own_hand()
    qpos = np.zeros((30, len(HAND_JOINTS)))
    tips = np.zeros((30, 5, 3))
    wrist = HAND_JOINTS.index("flexion")
    flexors = measure_naturalness(
        clip_of(qpos, tips, [], np.full((30, 1), 0.5), ("FCR",)), model, hand
    )
    assert flexors.cocontraction[wrist] == 0.0
    both = measure_naturalness(
        clip_of(qpos, tips, [], np.full((30, 2), 0.5), ("FCR", "ECRL")), model, hand
    )
    assert both.cocontraction[wrist] > 0.2
    with pytest.raises(InvalidValue, match="FDP9"):
        measure_naturalness(clip_of(qpos, tips, [], np.full((30, 1), 0.5), ("FDP9",)), model, hand)
