"""What a film tells about fingers: the cost of every hand and finger for every note.

A fingertip that plays a key is near the key's middle, up to the film's error and to where people
strike keys; one that does not play it is anywhere in the span of a hand. The evidence is the
logarithm of the ratio of both likelihoods, with a floor for fingers that are hidden or taken for
others. Nothing is known of fingertips that were not visible: their ratio is 1.

The film's own error is the robust standard deviation of the playing fingers' distances, and the
constant displacement of each finger's landmark is their median. Both follow from a first search,
and once more from a second one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Score
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.watch.contacts import (
    FINGERS,
    Touches,
    area_distance,
    find_touches,
    key_residuals,
    keys_of,
    track_tips,
)
from musclehand.watch.landmarks import SIDES, HandLandmarks
from musclehand.watch.view import KeyboardView

SPAN = 0.15
"""[m] Width over which a finger that does not play may be; chosen, a hand over six white keys."""

FLOOR = 0.02
"""Share of playing fingers that are hidden or taken for others, wherever they appear. Chosen
between 0.01 and 0.05, which give the same agreement on simulated films."""

CORE = 0.3
"""Share of a key's width about its middle in which a fingertip has no distance. Chosen: less
separates fingers better where errors are large, more allows for where people strike keys."""

FIRST_ERROR = 0.008
"""[m] Error of the film before it is estimated."""

LEAST_ERROR = 0.002
"""[m] Error of a film below which no estimate goes: people do not strike keys in their middle."""

LARGEST_ERROR = 0.04
"""[m] Error above which no estimate goes, almost two white keys."""

_SHRINK = 4.0
"""Notes of a finger that count as much as the expectation that its landmark is not displaced;
chosen, as a few notes may be taken for others."""

_FIRM = 1e-6
"""[m^2] Added variance up to which a fingertip counts as visible for the estimates."""


@dataclass(frozen=True, eq=False)
class FingerEvidence:
    """What the film tells about the fingers of a score's notes."""

    cost: np.ndarray = field(repr=False)
    """[nats] Cost of each hand and finger, thumb first, 0 for the best of each note; all 0 where
    nothing is known. Shape (n, 2, 5)."""

    distance: np.ndarray = field(repr=False)
    """[m] Distance of the fingertip, its displacement removed, from the area of the key; NaN where
    unknown. Shape (n, 2, 5)."""

    visible: np.ndarray = field(repr=False)
    """Share of the frames at the onset in which the fingertip was detected. Shape (n, 2, 5)."""

    error: float
    """[m] The film's own error: robust standard deviation of playing fingertips along the
    keyboard."""

    offset: np.ndarray
    """[m] Constant displacement of each hand's and finger's landmark along the keyboard.
    Shape (2, 5)."""

    weight: float
    """How often the evidence counts against the costs of the search (`evidence_weight`)."""

    @property
    def weighted(self) -> np.ndarray:
        """The costs as the search takes them. Shape (n, 2, 5)."""
        return self.weight * self.cost


def evidence_weight(error: float) -> float:
    """How often a film's evidence counts against the costs of moving.

    The costs of the fingering search have no unit, and errors of landmarks last for several notes.
    So the weight is chosen, on simulated films with slow errors of 5, 10 and 20 mm, of which 3.4, 7
    and 13 mm are estimated: about 7, 2 and a half.

    Args:
        error: of the film [m].
    """
    return float(np.clip((0.0095 / error) ** 1.9, 0.5, 10.0))


def gather_evidence(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    *,
    config: FingeringConfig | None = None,
    piano: PianoParameters | None = None,
) -> FingerEvidence:
    """What a film tells about the fingers of a score.

    Hands and fingers that the score has already are taken for true.

    Args:
        landmarks: of the film.
        view: its camera.
        score: notes, in the time of the film (`clock.Clock.to_film`).
        config: of the fingering search; by default keys may be released early.
        piano: the keyboard, by default the bundled one.
    """
    touches = find_touches(track_tips(landmarks, view, piano=piano), score, piano=piano)
    return weigh_touches(touches, score, config=config, piano=piano)


def weigh_touches(
    touches: Touches,
    score: Score,
    *,
    config: FingeringConfig | None = None,
    piano: PianoParameters | None = None,
) -> FingerEvidence:
    """What fingertips at the notes' onsets tell about fingers; as `gather_evidence`.

    Args:
        touches: fingertips at the onsets of the notes.
        score: the notes.
        config: of the fingering search; by default keys may be released early.
        piano: the keyboard, by default the bundled one.

    Raises:
        InvalidValue: there is not one touch for each note.
    """
    if len(touches.places) != len(score):
        raise InvalidValue("number of touches", len(touches.places), f"one a note, {len(score)}")
    config = config or FingeringConfig(release_early=True)
    geometry = keys_of(piano)
    keys = score.pitches - 21
    offset = np.zeros((SIDES, FINGERS))
    cost = finger_cost(geometry, keys, touches, FIRST_ERROR, offset)
    choice = cost.reshape(len(cost), SIDES * FINGERS).argmin(axis=1) if len(cost) else keys
    error = FIRST_ERROR
    for _ in range(2):
        error, offset = estimate_error(geometry, keys, touches, choice)
        cost = finger_cost(geometry, keys, touches, error, offset)
        fingered = assign_fingering(score, config=config, evidence=evidence_weight(error) * cost)
        choice = chosen_fingers(fingered, score, fallback=choice)
    error, offset = estimate_error(geometry, keys, touches, choice)
    return FingerEvidence(
        cost=finger_cost(geometry, keys, touches, error, offset),
        distance=area_distance(geometry, keys, _displaced(touches, offset)),
        visible=touches.visible,
        error=error,
        offset=offset,
        weight=evidence_weight(error),
    )


def finger_cost(
    geometry: KeyboardGeometry,
    keys: np.ndarray,
    touches: Touches,
    error: float,
    offset: np.ndarray,
) -> np.ndarray:
    """Cost of each hand and finger for each note [nats], 0 for the best. Shape (n, 2, 5).

    Args:
        geometry: the keyboard.
        keys: of the notes, 0 to 87. Shape (n,).
        touches: fingertips at their onsets.
        error: of the film [m].
        offset: displacement of each finger's landmark along the keyboard [m]. Shape (2, 5).
    """
    along, short, half = key_residuals(geometry, keys, _displaced(touches, offset))
    away = np.hypot(np.maximum(np.abs(along) - CORE * half, 0.0), short)
    variance = error**2 + touches.spread
    ratio = np.exp(-0.5 * away**2 / variance) * SPAN / np.sqrt(2.0 * np.pi * variance)
    cost = -np.log((1.0 - FLOOR) * ratio + FLOOR)
    cost = np.where(np.isfinite(cost), cost, 0.0)
    return np.asarray(cost - cost.min(axis=(1, 2), keepdims=True, initial=np.inf))


def estimate_error(
    geometry: KeyboardGeometry, keys: np.ndarray, touches: Touches, choice: np.ndarray
) -> tuple[float, np.ndarray]:
    """The film's error and the displacements of its landmarks, from the fingers that play.

    Args:
        geometry: the keyboard.
        keys: of the notes, 0 to 87. Shape (n,).
        touches: fingertips at their onsets.
        choice: hand and finger of each note, 5 times the hand plus the finger from 0; -1 for notes
            that do not count. Shape (n,).

    Returns:
        The error [m] and displacements along the keyboard [m], shape (2, 5).
    """
    rows = np.arange(len(keys))
    hand, finger = np.divmod(np.maximum(choice, 0), FINGERS)
    along = key_residuals(geometry, keys, touches.places)[0][rows, hand, finger]
    firm = np.isfinite(along) & (touches.spread[rows, hand, finger] < _FIRM) & (choice >= 0)
    offset = np.zeros((SIDES, FINGERS))
    for place in np.ndindex(SIDES, FINGERS):
        own = along[firm & (hand == place[0]) & (finger == place[1])]
        if len(own):
            offset[place] = np.median(own) * len(own) / (len(own) + _SHRINK)
    if not firm.any():
        return FIRST_ERROR, offset
    # The median of |x| of a Gaussian is 0.6745 of its standard deviation.
    error = float(np.median(np.abs(along - offset[hand, finger])[firm]) / 0.6745)
    return float(np.clip(error, LEAST_ERROR, LARGEST_ERROR)), offset


def chosen_fingers(fingered: Score, score: Score, *, fallback: np.ndarray) -> np.ndarray:
    """Hand and finger of each note of a score: 5 times the hand plus the finger from 0.

    Args:
        fingered: the same notes with hands and fingers; some may be left out.
        score: the notes.
        fallback: for notes that are left out. Shape (n,).

    Returns:
        Shape (n,).
    """
    lookup = {
        (note.onset, note.pitch): FINGERS * int(note.hand) + int(note.finger) - 1
        for note in fingered.notes
        if note.hand is not None and note.finger is not None
    }
    keys = [(note.onset, note.pitch) for note in score.notes]
    pairs = zip(keys, fallback.tolist(), strict=True)
    return np.array([lookup.get(key, usual) for key, usual in pairs], dtype=int)


def _displaced(touches: Touches, offset: np.ndarray) -> np.ndarray:
    """Places of fingertips with their landmarks' displacements removed. Shape (n, 2, 5, 2)."""
    return touches.places - np.stack([offset, np.zeros_like(offset)], axis=-1)
