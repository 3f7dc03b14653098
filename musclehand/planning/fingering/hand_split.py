"""Division of a score between left and right hand, for notes to which nobody has assigned one.

Beam search in the manner of the merged-output model of Nakamura, Ono & Sagayama (2014, ISMIR,
"Merged-output HMM for piano fingering of both hands"): two hands, each near its last place, share
one stream of notes. Each chord is cut at one place, and the lower keys go to the left hand. A state
consists of the places of the two hands and of the hands that hold keys. The costs differ from the
source: they are ergonomic and not learned. They count the span and number of keys, the distance to
travel in the time available, crossed hands, and lines of notes broken between the hands.
The weights were set on the repertoire.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Hand, Score
from musclehand.planning.fingering.keyboard_map import chord_slices, half_keys
from musclehand.planning.fingering.reach_table import beyond_hand

_FAR = 1e6
"""[white keys] beyond any key: the place of a key that is not there."""

_MOST_CROSSED = 5
"""Notes of a chord that are divided in all ways where something was seen; of more, the lower ones
go to the left hand. Chosen for 32 ways."""


@dataclass(frozen=True)
class HandSplitConfig:
    """Weights of the division between hands.

    A key is one white-key width (23.5 mm). Costs have no unit; only their ratios matter. Weights
    were set on the repertoire, and limits without a source are assumptions
    (`experiments/bench_fingering.py` reports the agreement).

    Raises:
        InvalidValue: `beam_width` is below 1.
    """

    chord_window: float = 0.03
    """[s] notes that begin within this time are one chord."""

    legato_overlap: float = 0.08
    """[s] a note held no longer than this into a chord does not bind the hand."""

    comfortable_span: float = 7.0
    """[white keys] span of one hand without cost."""

    hand_span: float = 8.0
    """[white keys] largest span of one hand; what two fingers reach by `fingering.reach_table` may
    be less."""

    hand_size: float = 1.0
    """Span of the hands against the bundled ones, for that table."""

    relaxed_span: float = 4.5
    """[white keys] span of the hand at rest."""

    open_hand: float = 0.6
    """[per white key] beyond the relaxed span: two hands share what they can, such as scales in
    octaves."""

    wide: float = 3.0
    """[per white key] beyond the comfortable span."""

    too_wide: float = 60.0
    """Keys struck together that the hand cannot hold together, on top."""

    too_wide_held: float = 15.0
    """The same where only a key held from before makes the span too wide."""

    crowded: float = 0.3
    """[per note] of a hand beyond three."""

    too_many: float = 80.0
    """[per note] of a hand beyond five."""

    reach: float = 2.5
    """[white keys] largest distance of a key from the hand's centre, without moving the hand."""

    shift: float = 0.3
    """[per white key] that a hand moves."""

    shift_hurry: float = 0.1
    """[s per white key] that a hand moves, over the time that it has."""

    crossed: float = 4.0
    """The left hand above the right one."""

    crowding: float = 0.3
    """[per white key] by which the hands' centres are closer than `least_distance`."""

    least_distance: float = 4.0
    """[white keys] between the hands' centres without cost."""

    line: float = 2.5
    """Two successive notes of a line in different hands."""

    line_reach: float = 3.0
    """[white keys] largest distance between successive notes of a line."""

    line_time: float = 1.0
    """[s] longest rest between successive notes of a line."""

    repeat_change: float = 3.0
    """A key of the chord before struck by the other hand, on top."""

    register: float = 0.08
    """[per note and white key] that the left hand plays above D4, or the right hand below it."""

    beam_width: int = 64
    """States kept after each chord."""

    def __post_init__(self) -> None:
        if not self.beam_width >= 1:
            raise InvalidValue("beam_width", self.beam_width, "1 or more")

    def for_size(self, size: float) -> HandSplitConfig:
        """These weights for hands of another size: all spans of one hand are multiplied by it.

        Args:
            size: of the hands against the bundled ones, above 0.
        """
        return replace(
            self,
            comfortable_span=self.comfortable_span * size,
            hand_span=self.hand_span * size,
            hand_size=self.hand_size * size,
            relaxed_span=self.relaxed_span * size,
        )


class _Notes(NamedTuple):
    """The notes to divide, each array of shape (num_notes,)."""

    x: np.ndarray
    """[white keys] place of the key, from D4."""

    onset: np.ndarray
    """[s]"""

    offset: np.ndarray
    """[s]"""

    hand: np.ndarray
    """0 left, 1 right, -1 unknown."""

    evidence: np.ndarray
    """Cost of each hand by what was seen. Shape (num_notes, 2)."""


class _Beam(NamedTuple):
    """The states of the search after a chord."""

    cost: np.ndarray
    """Shape (num_states,)."""

    centre: np.ndarray
    """[white keys] centres of left and right hand. Shape (num_states, 2)."""

    used: np.ndarray
    """[s] time at which each hand played last. Shape (num_states, 2)."""

    active: np.ndarray
    """Notes of the chord and held notes. Shape (num_active,)."""

    hands: np.ndarray
    """Hands of the active notes. Shape (num_states, num_active)."""

    previous: np.ndarray
    """Notes of the chord. Shape (num_chord,)."""


def split_hands(
    score: Score, *, config: HandSplitConfig | None = None, evidence: np.ndarray | None = None
) -> Score:
    """Assigns a hand to each note that has none.

    Args:
        score: notes with or without hands; hands that are set stay.
        config: weights of the division.
        evidence: cost of each hand on each note by what was seen; with it, notes of a chord may go
            to either hand in any order. Shape (num_notes, 2).
    """
    if all(note.hand is not None for note in score.notes):
        return score
    notes = _Notes(
        x=np.array([0.5 * half_keys(note.pitch) for note in score.notes]),
        onset=score.intervals[:, 0],
        offset=score.intervals[:, 1],
        hand=np.array([-1 if note.hand is None else int(note.hand) for note in score.notes]),
        evidence=np.zeros((len(score), 2)) if evidence is None else evidence,
    )
    hands = _search(notes, config or HandSplitConfig())
    return score.with_notes(
        replace(note, hand=Hand(int(hand))) for note, hand in zip(score.notes, hands, strict=True)
    )


def _search(notes: _Notes, config: HandSplitConfig) -> np.ndarray:
    """Hand 0 or 1 of every note. Shape (num_notes,)."""
    no_notes = np.zeros(0, dtype=int)
    beam = _Beam(
        cost=np.zeros(1),
        centre=np.array([[-7.0, 7.0]]),
        used=np.full((1, 2), -10.0),
        active=no_notes,
        hands=np.zeros((1, 0), dtype=int),
        previous=no_notes,
    )
    history: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for slice_ in chord_slices(notes.onset, config.chord_window):
        new = slice_[np.argsort(notes.x[slice_], kind="stable")]
        beam, parent, hands = _advance(beam, new, notes, config)
        history.append((new, parent, hands))
    result = np.zeros(len(notes.x), dtype=int)
    state = int(np.argmin(beam.cost))
    for new, parent, hands in reversed(history):
        result[new] = hands[state]
        state = int(parent[state])
    return result


def _cuts(hands: np.ndarray) -> np.ndarray:
    """All ways to cut a chord in ascending order, as hands 0 or 1. Shape (num_cuts, num_new).

    Args:
        hands: of the chord's notes, -1 where unknown; unknown notes below the cut go to the left
            hand. Shape (num_new,).
    """
    free = np.flatnonzero(hands < 0)
    options = np.tile(hands, (len(free) + 1, 1))
    options[:, free] = np.arange(len(free)) >= np.arange(len(free) + 1)[:, None]
    return options


def _options(new: np.ndarray, notes: _Notes) -> np.ndarray:
    """Hands of a chord that are tried, 0 or 1. Shape (num_options, num_new).

    Where something was seen of a chord, these are all ways to divide it, as hands may cross.

    Args:
        new: notes of the chord from low to high.
        notes: all notes.
    """
    hands = notes.hand[new]
    free = np.flatnonzero(hands < 0)
    if not notes.evidence[new].any() or len(free) > _MOST_CROSSED:
        return _cuts(hands)
    options = np.tile(hands, (2 ** len(free), 1))
    options[:, free] = (np.arange(2 ** len(free))[:, None] >> np.arange(len(free))) & 1
    return options


def _advance(
    beam: _Beam, new: np.ndarray, notes: _Notes, config: HandSplitConfig
) -> tuple[_Beam, np.ndarray, np.ndarray]:
    """States after a chord, each with its parent and the hands of the new notes.

    Args:
        beam: states before the chord.
        new: notes of the chord from low to high.
        notes: all notes.
        config: weights.
    """
    time = notes.onset[new].min()
    options = _options(new, notes)
    total = beam.cost + _line_cost(beam, options, new, notes, config)
    total = total + notes.evidence[new[:, None], options.T].sum(axis=0)[:, None]
    held = (notes.offset[beam.active] > time + config.legato_overlap) & ~np.isin(
        notes.x[beam.active], notes.x[new]
    )
    centres = []
    low = []
    high = []
    plays = []
    for hand in (0, 1):
        strikes = options == hand
        new_low = np.where(strikes, notes.x[new], _FAR).min(axis=1)[:, None]
        new_high = np.where(strikes, notes.x[new], -_FAR).max(axis=1)[:, None]
        holds = held & (beam.hands == hand)
        held_low = np.where(holds, notes.x[beam.active], _FAR).min(axis=1, initial=_FAR)
        low.append(np.minimum(new_low, held_low))
        held_high = np.where(holds, notes.x[beam.active], -_FAR).max(axis=1, initial=-_FAR)
        high.append(np.maximum(new_high, held_high))
        count = strikes.sum(axis=1)
        keys = count[:, None] + holds.sum(axis=1)
        total = total + _grip_cost(
            high[hand] - low[hand],
            _beyond(low[hand], high[hand], hand, config),
            _beyond(new_low, new_high, hand, config),
            keys,
            config,
        )
        off_register = np.maximum(notes.x[new] if hand == 0 else -notes.x[new], 0.0)
        total = total + config.register * (strikes * off_register).sum(axis=1)[:, None]
        centre = _follow(beam.centre[:, hand], low[hand], high[hand], config.reach)
        idle = np.maximum(time - beam.used[:, hand], 0.05)
        total = total + np.abs(centre - beam.centre[:, hand]) * (
            config.shift + config.shift_hurry / idle
        )
        centres.append(centre)
        plays.append(np.broadcast_to((count > 0)[:, None], centre.shape))
    overlap = high[0] - low[1]
    total = total + np.where(overlap > 0, config.crossed + np.minimum(overlap, 50.0), 0.0)
    total = total + config.crowding * np.maximum(
        config.least_distance - (centres[1] - centres[0]), 0.0
    )
    return _select(
        beam,
        new,
        notes,
        config,
        options=options,
        total=total,
        centre=np.stack(centres, axis=-1),
        plays=np.stack(plays, axis=-1),
    )


def _beyond(low: np.ndarray, high: np.ndarray, hand: int, config: HandSplitConfig) -> np.ndarray:
    """Whether a hand cannot hold its lowest and its highest key together.

    Args:
        low: lowest key [white keys].
        high: highest key; below `low` if the hand has no key.
        hand: 0 left, 1 right.
        config: size and span of the hand.
    """
    far = high - low > config.hand_span
    low, high = (np.rint(2.0 * place).astype(int) for place in (low, high))
    return far | beyond_hand(low, high, thumb_low=hand == 1, size=config.hand_size)


def _grip_cost(
    span: np.ndarray,
    beyond: np.ndarray,
    new_beyond: np.ndarray,
    keys: np.ndarray,
    config: HandSplitConfig,
) -> np.ndarray:
    """Cost of the keys that one hand has down at once: their span and number.

    Args:
        span: of all keys [white keys].
        beyond: whether the hand cannot hold the outermost of all keys together.
        new_beyond: whether that is so for the keys just struck.
        keys: number of keys.
        config: weights.
    """
    cost = config.wide * np.maximum(span - config.comfortable_span, 0.0)
    cost = cost + config.open_hand * np.clip(
        span - config.relaxed_span, 0.0, config.comfortable_span
    )
    penalty = np.where(new_beyond, config.too_wide, config.too_wide_held)
    cost = np.minimum(cost, config.too_wide) + np.where(beyond, penalty, 0.0)
    return (
        cost + config.crowded * np.maximum(keys - 3, 0) + config.too_many * np.maximum(keys - 5, 0)
    )


def _follow(centre: np.ndarray, low: np.ndarray, high: np.ndarray, reach: float) -> np.ndarray:
    """The hand's centre, moved only as far as its keys ask.

    Args:
        centre: before [white keys].
        low: lowest key.
        high: highest key; below `low` if the hand has no key.
        reach: largest distance of a key from the centre.
    """
    middle = 0.5 * (low + high)
    least = np.minimum(high - reach, middle)
    most = np.maximum(low + reach, middle)
    return np.where(low > high, centre, np.minimum(np.maximum(centre, least), most))


def _line_cost(
    beam: _Beam, options: np.ndarray, new: np.ndarray, notes: _Notes, config: HandSplitConfig
) -> np.ndarray:
    """Cost of near successive notes in different hands. Shape (num_options, num_states)."""
    after = np.isin(beam.active, beam.previous)
    apart = np.abs(notes.x[new] - notes.x[beam.active][:, None])
    soon = notes.onset[new] - notes.offset[beam.active][:, None] < config.line_time
    weight = config.line * (apart <= config.line_reach) / max(len(new), len(beam.previous), 1)
    weight = (weight + config.repeat_change * (apart == 0)) * (soon & after[:, None])
    to_right = options @ weight.T
    to_left = (1 - options) @ weight.T
    return to_left @ beam.hands.T + to_right @ (1 - beam.hands).T


def _select(
    beam: _Beam,
    new: np.ndarray,
    notes: _Notes,
    config: HandSplitConfig,
    *,
    options: np.ndarray,
    total: np.ndarray,
    centre: np.ndarray,
    plays: np.ndarray,
) -> tuple[_Beam, np.ndarray, np.ndarray]:
    """The cheapest states; of states alike in hands and rounded places only the cheapest.

    Args:
        beam: states before the chord.
        new: notes of the chord.
        notes: all notes.
        config: weights.
        options: hands of the chord's notes. Shape (num_options, num_new).
        total: cost of each option after each state. Shape (num_options, num_states).
        centre: of both hands then [white keys]. Shape (num_options, num_states, 2).
        plays: whether each hand plays. Shape (num_options, num_states, 2).
    """
    flat = total.ravel()
    best = np.argsort(flat, kind="stable")[: 4 * config.beam_width]
    option, parent = np.divmod(best, total.shape[1])
    hands = np.hstack([beam.hands[parent], options[option]])
    active = np.concatenate([beam.active, new])
    lasting = notes.offset[active] > notes.onset[new].min() + config.legato_overlap
    lasting[len(beam.active) :] = True
    # Two hands hold fewer keys than 24: of more, the older ones sound by the pedal alone.
    lasting[: max(0, len(active) - 24)] = False
    hands = hands[:, lasting]
    active = active[lasting]
    place = np.rint(centre[option, parent]).astype(np.int64) + 64
    kind = (
        hands @ (2 ** np.arange(len(active), dtype=np.int64)) * 128 + place[:, 0]
    ) * 128 + place[:, 1]
    keep = np.sort(np.unique(kind, return_index=True)[1])[: config.beam_width]
    option = option[keep]
    parent = parent[keep]
    used = np.where(plays[option, parent], notes.onset[new].min(), beam.used[parent])
    beam = _Beam(
        cost=flat[best][keep],
        centre=centre[option, parent],
        used=used,
        active=active,
        hands=hands[keep],
        previous=new,
    )
    return beam, parent, options[option]
