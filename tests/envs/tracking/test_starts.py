"""Where episodes start."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.envs.reference import still_references
from musclehand.envs.tracking.starts import SEGMENT, StartSampler

DT = 0.008
LENGTHS = (400, 30, 8, 130)
"""Frames of four clips; the third is too short to be started in with `end_margin` 10."""


@pytest.fixture
def references():
    many = still_references(sum(LENGTHS), dt=DT, muscles=1)
    ends = np.cumsum(LENGTHS)
    clip = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    return replace(many, first=ends - LENGTHS, last=ends - 1, clip=clip)


def test_half_of_the_starts_are_uniform_and_half_in_proportion_to_difficulty(references):
    starts = StartSampler(references)
    rng = np.random.default_rng(0)
    starts.difficulty = rng.random(len(starts.difficulty))
    drawn = starts.draw(rng, 200_000)
    frames = np.arange(references.frames)
    fitting = frames + 10 <= references.last[references.clip]
    segment = []
    first = 0
    for length in LENGTHS:
        segment += [first + frame // round(SEGMENT / DT) for frame in range(length)]
        first = segment[-1] + 1
    weight = starts.difficulty[np.array(segment)] * fitting
    chance = 0.5 * fitting / fitting.sum() + 0.5 * weight / weight.sum()
    counts = np.bincount(drawn, minlength=len(frames))
    assert (counts[~fitting] == 0).all()
    expected = len(drawn) * chance[fitting]
    # Pearson's statistic has as many degrees of freedom as there are places but one.
    statistic = ((counts[fitting] - expected) ** 2 / expected).sum()
    degrees = fitting.sum() - 1
    assert abs(statistic - degrees) < 4.0 * np.sqrt(2.0 * degrees)


def test_without_errors_starts_are_uniform(references):
    starts = StartSampler(references)
    starts.difficulty[:] = 0.0
    drawn = starts.draw(np.random.default_rng(0), 50_000)
    fitting = sum(max(0, length - 10) for length in LENGTHS)
    assert abs(np.mean(drawn < 390) - 390 / fitting) < 0.01


def test_a_difficult_segment_is_drawn_more_often_and_none_is_left_out(references):
    starts = StartSampler(references)
    starts.difficulty[:] = 0.0
    starts.update(np.array([100]), np.ones(1))
    drawn = starts.draw(np.random.default_rng(0), 10_000)
    # All of the half by difficulty, and its share of the uniform half.
    fitting = sum(max(0, length - 10) for length in LENGTHS)
    assert abs(np.mean((drawn >= 62) & (drawn < 124)) - (0.5 + 0.5 * 62 / fitting)) < 0.02
    assert len(np.unique(drawn // 62)) > 8
