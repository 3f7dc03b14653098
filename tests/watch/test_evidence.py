"""Evidence about fingers: closed forms of the mixture, estimates of error and displacement."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Note, Score
from musclehand.watch.contacts import Touches, bundled_keys
from musclehand.watch.evidence import (
    FLOOR,
    SPAN,
    estimate_error,
    evidence_weight,
    finger_cost,
    weigh_touches,
)

KEYS = bundled_keys()
NONE = np.zeros((2, 5))


def touches(x: np.ndarray, *, spread: float = 0.0) -> Touches:
    """Right fingertips at x (n, 5), 30 mm into the keys; the left hand is not visible."""
    places = np.full((len(x), 2, 5, 2), np.nan)
    places[:, 1, :, 0] = x
    places[:, 1, :, 1] = 0.03
    return Touches(
        places, np.where(np.isnan(places[..., 0]), np.nan, spread), np.ones((len(x), 2, 5))
    )


def five_finger(pitch: int) -> np.ndarray:
    """Fingertips in the middles of five white keys from a pitch. Shape (5,)."""
    return np.array(KEYS.x[np.array([0, 2, 4, 5, 7]) + pitch - 21])


def test_the_cost_is_the_logarithm_of_the_mixture() -> None:
    error = 0.005
    cost = finger_cost(KEYS, np.array([39]), touches(five_finger(60)[None]), error, NONE)
    best = (1 - FLOOR) * SPAN / (error * np.sqrt(2 * np.pi)) + FLOOR
    assert cost[0, 1, 0] == 0.0
    assert cost[0, 0] == pytest.approx(np.full(5, np.log(best)))
    assert cost[0, 1, 4] == pytest.approx(np.log(best / FLOOR), abs=1e-6)


def test_a_larger_variance_of_a_bridged_finger_tells_less() -> None:
    firm, vague = (
        finger_cost(
            KEYS, np.array([39]), touches(five_finger(60)[None], spread=spread), 0.005, NONE
        )
        for spread in (0.0, 0.02**2)
    )
    assert firm[0, 1, 1] > vague[0, 1, 1] > 0.0


def test_nothing_visible_costs_nothing() -> None:
    cost = finger_cost(KEYS, np.array([39, 41]), touches(np.full((2, 5), np.nan)), 0.005, NONE)
    assert (cost == 0.0).all()


def test_the_error_and_displacements_of_a_film_are_recovered() -> None:
    rng = np.random.default_rng(0)
    finger = rng.integers(0, 5, 2000)
    keys = np.array([39, 41, 43, 44, 46])[finger]
    shift = np.array([0.012, -0.004, 0.0, 0.006, -0.002])
    x = KEYS.x[keys][:, None] + shift + 0.004 * rng.standard_normal((2000, 5))
    error, offset = estimate_error(KEYS, keys, touches(x), 5 + finger)
    assert error == pytest.approx(0.004, rel=0.1)
    assert offset[1] == pytest.approx(shift, abs=0.001)
    assert (offset[0] == 0.0).all()


def test_few_wrong_fingers_do_not_move_the_error() -> None:
    rng = np.random.default_rng(1)
    x = KEYS.x[39] + 0.004 * rng.standard_normal((400, 5))
    x[:40] += 0.1
    error, _ = estimate_error(KEYS, np.full(400, 39), touches(x), np.full(400, 5))
    assert error == pytest.approx(0.004, rel=0.3)


def test_evidence_counts_less_the_larger_the_error() -> None:
    weights = [evidence_weight(error) for error in (0.002, 0.004, 0.007, 0.013, 0.03)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0.0


def test_unusual_fingers_are_taken_from_the_film() -> None:
    """A scale that a hand plays with its little finger alone."""
    pitches = [60, 62, 64, 65, 67, 69, 71, 72]
    score = Score(tuple(Note(0.5 * i, pitch, 0.5 * i + 0.3) for i, pitch in enumerate(pitches)))
    tips = np.array([KEYS.x[pitch - 21] + 0.023 * np.arange(-4, 1) for pitch in pitches])
    evidence = weigh_touches(touches(tips), score)
    assert (evidence.cost.reshape(-1, 10).argmin(axis=1) == 9).all()
    assert evidence.distance[:, 1, 4] == pytest.approx(np.zeros(8), abs=1e-9)


def test_touches_of_other_notes_are_refused() -> None:
    with pytest.raises(InvalidValue, match="number of touches"):
        weigh_touches(touches(np.zeros((2, 5))), Score((Note(0.0, 60, 1.0),)))
