"""What makes a fingering hard: the settings, and tables of cost by finger pair and distance.

The rules are those of Parncutt, Sloboda, Clarke, Raekallio & Desain (1997), "An ergonomic model of
keyboard fingering for melodic fragments", Music Perception 14(4), with distances along the keyboard
in place of semitones as Jacobs (2001, Music Perception 18(4)) proposed, chords and notes held as Al
Kasimi, Nichols & Raphael (2007, ISMIR, "A simple algorithm for automatic generation of polyphonic
piano fingerings") and Balliauw et al. (2017, Int. Trans. in Operational Research 24(3)) treat them.
Differences: a hand position that is carried along and costs time to move (see `finger_search`), a
cost for crossing that grows with its length in place of the small-span rule, saturating cost of
leaps, less weight when there is time between two notes. The weights were set by a random search for
agreement with standard fingerings and with half of the repertoire's
(`experiments/bench_fingering.py` reports that half and the other apart), from values made for a
muscle-driven hand, which is slow sideways.

All distances are white-key widths in the hand's frame (thumb to little finger is positive, left
hand mirrored). Tables are indexed by finger 0..5 (0: no finger, costs nothing) and by distance in
half keys plus `MAX_STEPS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

MAX_STEPS = 104
"""Half keys from one end of the keyboard to the other, rounded up."""

IMPOSSIBLE = 1e5
"""Cost from which a combination counts as not playable."""

_KEYS_PER_SEMITONE = 7.0 / 12.0

_SPANS_SEMITONES = {
    (1, 2): (-5, -3, 1, 5, 8, 10),
    (1, 3): (-4, -2, 3, 7, 10, 12),
    (1, 4): (-3, -1, 5, 9, 12, 14),
    (1, 5): (-1, 1, 7, 11, 13, 15),
    (2, 3): (1, 1, 1, 2, 3, 5),
    (2, 4): (1, 1, 3, 4, 5, 7),
    (2, 5): (2, 2, 5, 6, 8, 10),
    (3, 4): (1, 1, 1, 2, 2, 4),
    (3, 5): (1, 1, 3, 4, 5, 7),
    (4, 5): (1, 1, 1, 2, 3, 5),
}
"""Parncutt et al. (1997), table 1: least practical, comfortable, relaxed; largest relaxed,
comfortable, practical."""

FINGER_PLACE = np.array([0.0, -2.0, -1.0, 0.0, 1.0, 2.0])
"""Natural distance of each finger from the hand's centre: the five-finger position. Shape (6,)."""

FINGER_REACH = np.array(
    [(-np.inf, np.inf), (-3.2, -1.2), (-1.7, -0.3), (-0.7, 0.7), (0.3, 1.7), (1.3, 2.8)]
)
"""Where a finger gets without moving the hand: lowest and highest distance from the hand's centre.
Shape (6, 2).

An estimate around `FINGER_PLACE`: half a key of spread for a finger, more for the thumb.
"""


@dataclass(frozen=True)
class FingeringConfig:
    """Limits of the hand and weights of the search. Distances in white-key widths (23.5 mm), times
    in seconds.

    Attributes:
        hand_span: largest distance thumb to little finger; the model hand reaches 188 mm.
        chord_window: notes that begin within this time are one chord [s].
        overlap_tolerance: a key let go this much too late does not keep its finger [s].
        legato_overlap: shorter overlaps of two notes bind fingers but not the span of the hand [s].
        let_go_early: a key may be let go before its note ends when its finger or the hand is needed
            elsewhere; otherwise such a later note is left out. Only with this on are note ends
            changed.
        roll_chords: chords of one hand somewhat wider than it are rolled; otherwise they are
            thinned.
        beam: states kept per slice.
        relaxed, comfortable, practical: cost per key beyond (or below) each span class.
        leap: the most a stretch between two successive notes can cost (then the hand moves
            instead).
        cross: thumb passing under, or a finger over the thumb.
        cross_length: per key beyond the first that the crossing covers.
        cross_white_to_black: thumb on a black key passing a finger on a white key, on top.
        cross_black_to_white: saved when the finger passed is on a black key and the thumb on a
            white one.
        cross_little: crossing between thumb and little finger, on top.
        cross_fingers: fingers other than the thumb crossing.
        same_finger: one finger on two successive keys.
        repeat_change: changing finger on a repeated key that is slow enough for one finger.
        repeat_fast: keeping the finger on a key repeated faster than `fast_repeat` [s].
        weak: fourth and fifth finger.
        ring_middle: fourth and third finger in succession.
        thumb_black, little_black: thumb or little finger on a black key.
        posture: per key that a finger is away from its natural place in the hand.
        shift, shift_hurry: hand movement per key, and per key over the time for it [s].
        skip_same, skip_change: a finger on another key than two notes before, or a key under
            another finger.
        skip_stretch: weight of the stretch between a note and the one after next.
        skip_cross: fingers in the wrong order between a note and the one after next.
        skip_time: time between the two at which these costs are halved [s].
        legato_gap: time between two notes at which the cost of their fingers' distance is halved
            [s].
        chord_follows: weight of the pair costs between two chords.
        drop: leaving a note out; more for the outer voices.
        let_go: letting a held key go early, most when most of the note is lost.
    """

    hand_span: float = 8.0
    chord_window: float = 0.03
    overlap_tolerance: float = 0.002
    legato_overlap: float = 0.08
    let_go_early: bool = False
    roll_chords: bool = False
    beam: int = 32
    relaxed: float = 0.57
    comfortable: float = 0.67
    practical: float = 3.0
    leap: float = 7.2
    cross: float = 3.0
    cross_length: float = 0.73
    cross_white_to_black: float = 4.0
    cross_black_to_white: float = 1.0
    cross_little: float = 2.6
    cross_fingers: float = 13.0
    same_finger: float = 5.1
    repeat_change: float = 1.0
    repeat_fast: float = 1.0
    fast_repeat: float = 0.13
    weak: tuple[float, float] = (0.3, 0.18)
    ring_middle: float = 0.46
    thumb_black: float = 4.2
    little_black: float = 1.0
    posture: float = 0.15
    shift: float = 0.4
    shift_hurry: float = 0.049
    skip_same: float = 0.85
    skip_change: float = 1.9
    skip_stretch: float = 0.16
    skip_cross: float = 0.5
    skip_time: float = 1.7
    legato_gap: float = 0.15
    chord_follows: float = 0.1
    drop: float = 300.0
    let_go: float = 20.0


class CostTables(NamedTuple):
    """Costs by finger and distance.

    Attributes:
        single: cost of finger on a white / black key. Shape (2, 6).
        chord: two keys struck together, lower key's finger first. Shape (6, 6, 2*MAX_STEPS+1).
        hold: a new key (second finger) while another (first finger) is held. Shape (6, 6,
            2*MAX_STEPS+1).
        melodic: one key after another, first index 2*(first is black) + (second is black).
            Shape (4, 6, 6, 2*MAX_STEPS+1).
        skip: a key and the one after next. Shape (6, 6, 2*MAX_STEPS+1).
        repeat: the same key again, slow / fast. Shape (2, 6, 6).
    """

    single: np.ndarray
    chord: np.ndarray
    hold: np.ndarray
    melodic: np.ndarray
    skip: np.ndarray
    repeat: np.ndarray


def span_limits(low: int, high: int, *, hand_span: float) -> np.ndarray:
    """Spans of a finger pair `low` < `high`, as in Parncutt's table, in white keys. Shape (6,).

    The largest spans from the thumb are cut to `hand_span` for the little finger and 0.5 key less
    for each finger further in; a half key is the nearest that two fingers come.
    """
    spans = np.array(_SPANS_SEMITONES[(low, high)], dtype=float) * _KEYS_PER_SEMITONE
    if low == 1:
        spans = np.minimum(spans, hand_span - 0.5 * (5 - high))
    else:
        spans = np.minimum(spans, hand_span)
        spans[:3] = np.minimum(spans[:3], [0.5, 0.5, 1.0 * (high - low)])
    return spans


def _stretch(span: np.ndarray, low: int, high: int, config: FingeringConfig) -> np.ndarray:
    """Cost of a span beyond each class, added up. Out of the relaxed class, pairs without the
    thumb cost double."""
    least, low_comfortable, low_relaxed, high_relaxed, high_comfortable, most = span_limits(
        low, high, hand_span=config.hand_span
    )
    relaxed = config.relaxed * (1.0 if low == 1 else 2.0)
    beyond = relaxed * (np.maximum(low_relaxed - span, 0) + np.maximum(span - high_relaxed, 0))
    beyond += config.comfortable * (
        np.maximum(low_comfortable - span, 0) + np.maximum(span - high_comfortable, 0)
    )
    return beyond + config.practical * (np.maximum(least - span, 0) + np.maximum(span - most, 0))


def _chord_tables(config: FingeringConfig) -> tuple[np.ndarray, np.ndarray]:
    """The `chord` and `hold` tables: order kept, span within reach, thumb under a held finger
    possible but dear."""
    distance = np.arange(-MAX_STEPS, MAX_STEPS + 1) / 2.0
    chord = np.zeros((6, 6, distance.size))
    hold = np.zeros_like(chord)
    for first in range(1, 6):
        chord[first, first] = IMPOSSIBLE
        hold[first, first] = np.where(distance == 0, 0.0, IMPOSSIBLE)
        for second in range(1, 6):
            if first == second:
                continue
            low = min(first, second)
            high = max(first, second)
            span = distance if first < second else -distance
            limits = span_limits(low, high, hand_span=config.hand_span)
            cost = _stretch(span, low, high, config)
            possible = (span >= max(0.5, 0.5 * (high - low - 1))) & (span <= limits[5])
            chord[first, second] = np.where(possible, cost, IMPOSSIBLE)
            under = (low == 1) & (span < 0) & (span >= limits[0])
            hold[first, second] = np.where(
                possible,
                cost,
                np.where(under, 2 * config.cross + 2 * config.cross_length * -span, IMPOSSIBLE),
            )
    return chord, hold


def _melodic_table(config: FingeringConfig) -> np.ndarray:
    """The `melodic` table."""
    distance = np.arange(-MAX_STEPS, MAX_STEPS + 1) / 2.0
    table = np.zeros((4, 6, 6, distance.size))
    for first in range(1, 6):
        table[:, first, first] = np.where(distance == 0, 0.0, config.same_finger)
        for second in range(1, 6):
            if first == second:
                continue
            low = min(first, second)
            high = max(first, second)
            span = distance if first < second else -distance
            cost = np.minimum(_stretch(span, low, high, config), config.leap)
            if (low, high) == (3, 4):
                cost = cost + config.ring_middle
            for colours in range(4):
                low_black, high_black = (
                    (colours // 2, colours % 2) if first < second else (colours % 2, colours // 2)
                )
                crossed = _crossing(
                    -span, low, high, low_black=low_black, high_black=high_black, config=config
                )
                table[colours, first, second] = np.where(span < 0, crossed, cost)
    return table


def _skip_table(config: FingeringConfig) -> np.ndarray:
    """The `skip` table: what a change of the hand's position costs, in the manner of Parncutt's
    rules for triplets."""
    distance = np.arange(-MAX_STEPS, MAX_STEPS + 1) / 2.0
    table = np.zeros((6, 6, distance.size))
    for first in range(1, 6):
        table[first, first] = np.where(distance == 0, 0.0, config.skip_same)
        for second in range(1, 6):
            if first == second:
                continue
            low = min(first, second)
            high = max(first, second)
            span = distance if first < second else -distance
            stretch = config.skip_stretch * np.minimum(
                _stretch(span, low, high, config), config.leap
            )
            cost = np.where(span < 0, config.skip_cross, stretch)
            table[first, second] = np.where(span == 0, config.skip_change, cost)
    return table


def _crossing(
    length: np.ndarray,
    low: int,
    high: int,
    *,
    low_black: int,
    high_black: int,
    config: FingeringConfig,
) -> np.ndarray:
    """Cost of two successive notes with the fingers in the wrong order, `length` keys apart."""
    if low != 1:
        return np.full_like(length, config.cross_fingers)
    cost = config.cross + config.cross_length * np.maximum(length - 1.0, 0.0)
    longest = -span_limits(low, high, hand_span=config.hand_span)[0]
    cost = (
        cost
        + config.comfortable * np.maximum(length - longest, 0.0)
        + config.cross_little * (high == 5)
    )
    if low_black and not high_black:
        cost = cost + config.cross_white_to_black
    if high_black and not low_black:
        cost = cost - config.cross_black_to_white
    return np.minimum(cost, config.leap + config.cross)


@lru_cache(maxsize=8)
def cost_tables(config: FingeringConfig) -> CostTables:
    """All tables of one configuration."""
    single = np.zeros((2, 6))
    single[:, 4:] = config.weak
    single[1, 1] += config.thumb_black
    single[1, 5] += config.little_black
    chord, hold = _chord_tables(config)
    repeat = np.zeros((2, 6, 6))
    repeat[0, 1:, 1:] = config.repeat_change * (1.0 - np.eye(5))
    repeat[1, 1:, 1:] = config.repeat_fast * np.eye(5)
    return CostTables(single, chord, hold, _melodic_table(config), _skip_table(config), repeat)
