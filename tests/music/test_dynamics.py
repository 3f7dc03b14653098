"""Loudness as people play: what is kept, what is drawn, and how far it spreads."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.music.dynamics import Dynamics, shape_dynamics
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score

PIECE = load_piece("minuet_in_g")


def test_only_velocities_change_and_the_same_seed_gives_the_same():
    first, same, second = (shape_dynamics(PIECE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == same != second
    assert [replace(note, velocity=1) for note in first.notes] == [
        replace(note, velocity=1) for note in PIECE.notes
    ]


def test_loudness_spreads_as_told_within_its_bounds():
    """Phrases and touches are independent, so that their variances add up (to what phrases
    remember)."""
    config = Dynamics(melody=0.0, accompaniment=0.0, mean=64.0, phrase=0.05)
    velocities = np.concatenate(
        [
            [
                note.velocity
                for note in shape_dynamics(PIECE, np.random.default_rng(seed), config).notes
            ]
            for seed in range(20)
        ]
    )
    spread = np.hypot(config.phrase_spread / np.sqrt(1 - config.persistence**2), config.touch)
    assert velocities.mean() == pytest.approx(64.0, abs=1.5)
    assert velocities.std() == pytest.approx(spread, rel=0.1)
    assert velocities.min() >= config.lowest
    assert velocities.max() <= config.highest


def test_the_melody_is_louder_than_what_lies_under_it():
    shaped = shape_dynamics(PIECE, np.random.default_rng(3), Dynamics(touch=0.0, phrase_spread=0.0))
    loud = [note.pitch for note in shaped.notes if note.velocity == 68]
    soft = [note.pitch for note in shaped.notes if note.velocity == 54]
    assert len(loud) + len(soft) == len(shaped.notes)
    assert np.mean(loud) > np.mean(soft) + 7


def test_a_score_without_notes_stays_one():
    assert shape_dynamics(Score(()), np.random.default_rng(0)) == Score(())
