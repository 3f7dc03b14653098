"""Where episodes start."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.envs.reference import still_references
from musclehand.envs.tracking.starts import STRETCH, StartSampler

DT = 0.008
LENGTHS = (400, 30, 8, 130)
"""Frames of four clips; the third is too short to be started in with `room` 10."""


@pytest.fixture
def references():
    many = still_references(sum(LENGTHS), dt=DT, muscles=1)
    ends = np.cumsum(LENGTHS)
    clip = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    return replace(many, first=ends - LENGTHS, last=ends - 1, clip=clip)


def test_every_start_is_as_likely_as_half_even_half_by_badness_has_it(references):
    starts = StartSampler(references)
    rng = np.random.default_rng(0)
    starts.badness = rng.random(len(starts.badness))
    drawn = starts.draw(rng, 200_000)
    frames = np.arange(references.frames)
    fitting = frames + 10 <= references.last[references.clip]
    stretch = []
    place = 0
    for length in LENGTHS:
        stretch += [place + frame // round(STRETCH / DT) for frame in range(length)]
        place = stretch[-1] + 1
    bad = starts.badness[np.array(stretch)] * fitting
    chance = 0.5 * fitting / fitting.sum() + 0.5 * bad / bad.sum()
    found = np.bincount(drawn, minlength=len(frames))
    assert (found[~fitting] == 0).all()
    expected = len(drawn) * chance[fitting]
    # Pearson's statistic has as many degrees of freedom as there are places but one.
    statistic = ((found[fitting] - expected) ** 2 / expected).sum()
    degrees = fitting.sum() - 1
    assert abs(statistic - degrees) < 4.0 * np.sqrt(2.0 * degrees)


def test_where_nothing_goes_wrong_starts_are_even(references):
    starts = StartSampler(references)
    starts.badness[:] = 0.0
    drawn = starts.draw(np.random.default_rng(0), 50_000)
    fitting = sum(max(0, length - 10) for length in LENGTHS)
    assert abs(np.mean(drawn < 390) - 390 / fitting) < 0.01


def test_a_stretch_that_goes_wrong_is_drawn_more_often_and_none_is_left_out(references):
    starts = StartSampler(references)
    starts.badness[:] = 0.0
    starts.tell(np.array([100]), np.ones(1))
    drawn = starts.draw(np.random.default_rng(0), 10_000)
    # All of the half drawn by badness, and its share of the even half.
    fitting = sum(max(0, length - 10) for length in LENGTHS)
    assert abs(np.mean((drawn >= 62) & (drawn < 124)) - (0.5 + 0.5 * 62 / fitting)) < 0.02
    assert len(np.unique(drawn // 62)) > 8
