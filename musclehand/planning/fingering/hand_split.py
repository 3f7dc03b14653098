"""Which hand plays a note nobody has assigned: the chords of a score divided between left and right
over time.

Beam search in the manner of fingering models for two hands (Nakamura, Ono & Sagayama 2014, ISMIR,
"Merged-output HMM for piano fingering of both hands": two hands, each near its last place, share
one stream of notes). Each chord is cut at one place, the lower keys to the left hand; a state is
the two hands' places and the hands that hold keys. It differs from the source in its costs, which
are ergonomic and not learned: span, number of keys, distance to travel in the time there is,
crossing, and breaking a line of notes between hands. The weights were set on the repertoire.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Hand, Score
from musclehand.planning.fingering.keyboard_map import chord_slices, half_keys

_FAR = 1e6


@dataclass(frozen=True)
class HandSplitConfig:
    """Weights of the division. Distances in white-key widths (23.5 mm), times in seconds.

    Attributes:
        chord_window: notes that begin within this time are one chord [s].
        legato_overlap: notes held no longer than this into a chord do not bind the hand [s].
        comfortable_span, hand_span: span of one hand without cost, and the most it reaches.
        relaxed_span, open_hand: span of the hand at rest, and the cost per key beyond it: what two
            hands can share they do share, as scales in octaves.
        wide: cost per key beyond the comfortable span.
        too_wide: cost of a span beyond the reach (on top); `too_wide_held` where only by a key held
            from before.
        crowded: cost of each note a hand has over three; `too_many`: over five.
        reach: how far keys may lie from the hand's centre without moving it.
        shift, shift_hurry: cost of moving per key, and per key over the time for it [s].
        crossed: the left hand above the right; `near`: per key that the hands' centres are closer
            than `room`.
        line: two successive notes no further apart than `line_reach`, within `line_time` [s], in
            different hands.
        again: a key struck again in the next chord, by the other hand; on top.
        register: per note and key that the left hand plays above D4 or the right hand below.
        beam: states kept per chord.
    """

    chord_window: float = 0.03
    legato_overlap: float = 0.08
    comfortable_span: float = 7.0
    hand_span: float = 8.0
    relaxed_span: float = 4.5
    open_hand: float = 0.6
    wide: float = 3.0
    too_wide: float = 60.0
    too_wide_held: float = 15.0
    crowded: float = 0.3
    too_many: float = 80.0
    reach: float = 2.5
    shift: float = 0.3
    shift_hurry: float = 0.1
    crossed: float = 4.0
    near: float = 0.3
    room: float = 4.0
    line: float = 2.5
    line_reach: float = 3.0
    line_time: float = 1.0
    again: float = 3.0
    register: float = 0.08
    beam: int = 64


class _Notes(NamedTuple):
    """Place in white keys, onset and offset [s], hand (0, 1; -1 unknown). Shapes (num_notes,)."""

    x: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    hand: np.ndarray


class _Beam(NamedTuple):
    """States: `cost` (num_states,), `centre` and time last used `used` (num_states, 2), hands of
    the `active` notes."""

    cost: np.ndarray
    centre: np.ndarray
    used: np.ndarray
    active: np.ndarray
    hands: np.ndarray
    previous: np.ndarray


def split_hands(score: Score, *, config: HandSplitConfig | None = None) -> Score:
    """The same notes, each with a hand; hands already given stay."""
    if all(note.hand is not None for note in score.notes):
        return score
    notes = _Notes(
        np.array([0.5 * half_keys(note.pitch) for note in score.notes]),
        score.intervals[:, 0],
        score.intervals[:, 1],
        np.array([-1 if note.hand is None else int(note.hand) for note in score.notes]),
    )
    hands = _search(notes, config or HandSplitConfig())
    return score.with_notes(
        replace(note, hand=Hand(int(hand))) for note, hand in zip(score.notes, hands, strict=True)
    )


def _search(notes: _Notes, config: HandSplitConfig) -> np.ndarray:
    """Hand 0 or 1 of every note. Shape (num_notes,)."""
    none = np.zeros(0, dtype=int)
    beam = _Beam(
        np.zeros(1),
        np.array([[-7.0, 7.0]]),
        np.full((1, 2), -10.0),
        none,
        np.zeros((1, 0), dtype=int),
        none,
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


def _cuts(known: np.ndarray) -> np.ndarray:
    """All ways to cut a chord in ascending order: unknown notes below the cut go left. Shape
    (num_cuts, num_new)."""
    free = np.flatnonzero(known < 0)
    options = np.tile(known, (len(free) + 1, 1))
    options[:, free] = np.arange(len(free)) >= np.arange(len(free) + 1)[:, None]
    return options


def _advance(
    beam: _Beam, new: np.ndarray, notes: _Notes, config: HandSplitConfig
) -> tuple[_Beam, np.ndarray, np.ndarray]:
    """States after a chord, each with its parent and the hands of the new notes."""
    time = notes.onset[new].min()
    options = _cuts(notes.hand[new])
    total = beam.cost + _line_cost(beam, options, new, notes, config)
    held = (notes.offset[beam.active] > time + config.legato_overlap) & ~np.isin(
        notes.x[beam.active], notes.x[new]
    )
    centres = []
    low = []
    high = []
    plays = []
    for hand in (0, 1):
        mine = options == hand
        new_low = np.where(mine, notes.x[new], _FAR).min(axis=1)[:, None]
        new_high = np.where(mine, notes.x[new], -_FAR).max(axis=1)[:, None]
        mine_held = held & (beam.hands == hand)
        old = np.where(mine_held, notes.x[beam.active], _FAR).min(axis=1, initial=_FAR)
        low.append(np.minimum(new_low, old))
        old = np.where(mine_held, notes.x[beam.active], -_FAR).max(axis=1, initial=-_FAR)
        high.append(np.maximum(new_high, old))
        count = mine.sum(axis=1)
        keys = count[:, None] + mine_held.sum(axis=1)
        total = total + _grip_cost(high[hand] - low[hand], new_high - new_low, keys, config)
        off_register = np.maximum(notes.x[new] if hand == 0 else -notes.x[new], 0.0)
        total = total + config.register * (mine * off_register).sum(axis=1)[:, None]
        centre = _follow(beam.centre[:, hand], low[hand], high[hand], config.reach)
        idle = np.maximum(time - beam.used[:, hand], 0.05)
        total = total + np.abs(centre - beam.centre[:, hand]) * (
            config.shift + config.shift_hurry / idle
        )
        centres.append(centre)
        plays.append(np.broadcast_to((count > 0)[:, None], centre.shape))
    overlap = high[0] - low[1]
    total = total + np.where(overlap > 0, config.crossed + np.minimum(overlap, 50.0), 0.0)
    total = total + config.near * np.maximum(config.room - (centres[1] - centres[0]), 0.0)
    return _select(
        beam,
        new,
        options,
        total,
        np.stack(centres, axis=-1),
        np.stack(plays, axis=-1),
        notes,
        config,
    )


def _grip_cost(
    span: np.ndarray, new_span: np.ndarray, keys: np.ndarray, config: HandSplitConfig
) -> np.ndarray:
    """Cost of what one hand has down at once: span and number of keys."""
    cost = config.wide * np.maximum(span - config.comfortable_span, 0.0)
    cost = cost + config.open_hand * np.clip(
        span - config.relaxed_span, 0.0, config.comfortable_span
    )
    beyond = np.where(new_span > config.hand_span, config.too_wide, config.too_wide_held)
    cost = np.minimum(cost, config.too_wide) + np.where(span > config.hand_span, beyond, 0.0)
    return (
        cost + config.crowded * np.maximum(keys - 3, 0) + config.too_many * np.maximum(keys - 5, 0)
    )


def _follow(centre: np.ndarray, low: np.ndarray, high: np.ndarray, reach: float) -> np.ndarray:
    """The hand's centre, moved only as far as the keys from `low` to `high` ask."""
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
    weight = (weight + config.again * (apart == 0)) * (soon & after[:, None])
    to_right = options @ weight.T
    to_left = (1 - options) @ weight.T
    return to_left @ beam.hands.T + to_right @ (1 - beam.hands).T


def _select(
    beam: _Beam,
    new: np.ndarray,
    options: np.ndarray,
    total: np.ndarray,
    centre: np.ndarray,
    plays: np.ndarray,
    notes: _Notes,
    config: HandSplitConfig,
) -> tuple[_Beam, np.ndarray, np.ndarray]:
    """The cheapest states, one of each kind."""
    flat = total.ravel()
    best = np.argsort(flat, kind="stable")[: 4 * config.beam]
    option, parent = np.divmod(best, total.shape[1])
    hands = np.hstack([beam.hands[parent], options[option]])
    active = np.concatenate([beam.active, new])
    lasting = notes.offset[active] > notes.onset[new].min() + config.legato_overlap
    lasting[len(beam.active) :] = True
    # Sounding keys beyond what two hands hold say nothing about hands; the newest are enough.
    lasting[: max(0, len(active) - 24)] = False
    hands = hands[:, lasting]
    active = active[lasting]
    place = np.rint(centre[option, parent]).astype(np.int64) + 64
    kind = (
        hands @ (2 ** np.arange(len(active), dtype=np.int64)) * 128 + place[:, 0]
    ) * 128 + place[:, 1]
    keep = np.sort(np.unique(kind, return_index=True)[1])[: config.beam]
    option = option[keep]
    parent = parent[keep]
    used = np.where(plays[option, parent], notes.onset[new].min(), beam.used[parent])
    after = _Beam(flat[best][keep], centre[option, parent], used, active, hands[keep], new)
    return after, parent, options[option]
