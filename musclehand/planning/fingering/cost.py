"""Ergonomic cost of a fingering: settings, and tables of cost by pair of fingers and distance.

The rules are those of Parncutt, Sloboda, Clarke, Raekallio & Desain (1997), "An ergonomic model of
keyboard fingering for melodic fragments", Music Perception 14(4). Distances are measured along the
keyboard in place of semitones, as Jacobs (2001, Music Perception 18(4)) proposed. Chords and held
notes follow Al Kasimi, Nichols & Raphael (2007, ISMIR, "A simple algorithm for automatic generation
of polyphonic piano fingerings"). They also follow Balliauw et al. (2017, Int. Trans. in Operational
Research 24(3)). Differences:

- the hand has a position, which is carried along and costs time to move (`fingering.search`);
- the cost of crossing fingers grows with the distance, in place of the small-span rule;
- the cost of leaps saturates;
- costs weigh less when there is time between two notes.

The weights were set by a random search for agreement with standard fingerings and with half of the
repertoire's. `experiments/bench_fingering.py` reports that half and the held-out half separately.
The search started from values made for a muscle-driven hand, which is slow sideways.

All distances are white-key widths in the hand's frame: from thumb to little finger is positive, and
a left hand is mirrored. Tables are indexed by finger 0..5 (0: no finger, costs nothing) and by
distance in half keys plus `MAX_STEPS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.planning.fingering.keyboard_map import MAX_STEPS
from musclehand.planning.fingering.reach_table import reach_shares

IMPOSSIBLE = 1e5
"""Cost from which a combination of fingers counts as not playable."""

_KEYS_PER_SEMITONE = 7.0 / 12.0
"""[white keys per semitone]: an octave has 7 white keys and 12 semitones."""

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
"""[semitones] spans of each pair of fingers, after Parncutt et al. (1997), table 1.

In each row: smallest practical, comfortable and relaxed; largest relaxed, comfortable and practical
span.
"""

FINGER_PLACE = np.array([0.0, -2.0, -1.0, 0.0, 1.0, 2.0])
"""[white keys] natural distance of each finger from the hand's centre: the five-finger position.
Shape (6,)."""

FINGER_REACH = np.array(
    [(-np.inf, np.inf), (-3.2, -1.2), (-1.7, -0.3), (-0.7, 0.7), (0.3, 1.7), (1.3, 2.8)]
)
"""[white keys] reach of each finger with the hand at rest: lowest and highest distance from the
hand's centre. Shape (6, 2).

An estimate around `FINGER_PLACE`: half a key of spread for a finger, more for the thumb.
"""


@dataclass(frozen=True)
class FingeringConfig:
    """Limits of the hand and weights of the search for fingers.

    A key is one white-key width (23.5 mm). Costs have no unit; only their ratios matter. Each
    weight for which no source is given was chosen by `experiments/bench_fingering.py`.

    Raises:
        InvalidValue: `beam_width` is below 1, or `hand_size` is not above 0.
    """

    hand_span: float = 8.0
    """[white keys] largest distance from thumb to little finger; the bundled hand reaches 188 mm.
    """

    hand_size: float = 1.0
    """Size of the hand against the bundled one: factor on `hand_span` and on the spans of all pairs
    of fingers. Planning sets it by the hand (`motion.playing_hand.HandSize.span`)."""

    chord_window: float = 0.03
    """[s] notes that begin within this time are one chord; an assumption."""

    overlap_tolerance: float = 0.002
    """[s] a key that is released too late by no more than this does not keep its finger; an
    assumption."""

    legato_overlap: float = 0.08
    """[s] two notes that overlap for a shorter time need two fingers, but may be further apart than
    the hand spans; an assumption."""

    release_early: bool = False
    """A key may be released before its note ends when its finger or the hand is needed elsewhere.
    Otherwise the later note is left out, and no note changes its end."""

    roll_chords: bool = False
    """Chords of one hand somewhat wider than it are rolled; otherwise notes are left out of them.
    """

    beam_width: int = 32
    """States kept after each chord."""

    relaxed: float = 0.57
    """[per white key] beyond the relaxed span; twice as much for pairs without the thumb."""

    comfortable: float = 0.67
    """[per white key] beyond the comfortable span, on top."""

    practical: float = 3.0
    """[per white key] beyond the practical span, on top."""

    strain: float = 8.0
    """[per share of the ranges of motion] that two keys struck or held together need beyond
    `easy_share`; chosen."""

    easy_share: float = 0.6
    """Share of the ranges of motion up to which a grip costs nothing; chosen."""

    leap: float = 7.2
    """Most that a stretch between two successive notes costs: from there on the hand leaps."""

    cross: float = 3.0
    """The thumb passes under a finger, or a finger over the thumb."""

    cross_length: float = 0.73
    """[per white key] that such a crossing covers beyond the first."""

    cross_white_to_black: float = 4.0
    """Crossing with the thumb on a black key and the finger on a white one, on top."""

    cross_black_to_white: float = 1.0
    """Saved by a crossing with the thumb on a white key and the finger on a black one."""

    cross_little: float = 2.6
    """Crossing between thumb and little finger, on top."""

    cross_fingers: float = 13.0
    """Crossing of two fingers, neither of them the thumb."""

    same_finger: float = 5.1
    """The same finger on two successive keys."""

    repeat_change: float = 1.0
    """Change of finger on a repeated key that is slow enough for one finger."""

    repeat_fast: float = 1.0
    """The same finger on a repeated key that is faster than `fast_repeat`."""

    fast_repeat: float = 0.13
    """[s] between two strokes of a key, below which the repetition is fast."""

    weak: tuple[float, float] = (0.3, 0.18)
    """Use of the fourth and of the fifth finger."""

    ring_middle: float = 0.46
    """Fourth and third finger in succession."""

    thumb_black: float = 4.2
    """Thumb on a black key."""

    little_black: float = 1.0
    """Little finger on a black key."""

    posture: float = 0.15
    """[per white key] of a finger's distance from its natural place in the hand."""

    shift: float = 0.4
    """[per white key] that the hand moves."""

    shift_hurry: float = 0.049
    """[s per white key] that the hand moves, over the time that it has."""

    skip_same: float = 0.85
    """The finger of the note before last, on another key."""

    skip_change: float = 1.9
    """The key of the note before last, under another finger."""

    skip_stretch: float = 0.16
    """[share] of the stretch between a note and the note before last."""

    skip_cross: float = 0.5
    """Fingers in the wrong order between a note and the note before last."""

    skip_time: float = 1.7
    """[s] between these two at which the `skip` costs are halved."""

    legato_gap: float = 0.15
    """[s] between two notes at which the cost of their fingers' distance is halved."""

    chord_follows: float = 0.1
    """[share] that the costs of pairs weigh between two chords."""

    drop: float = 300.0
    """A note left out, more in the outer voices. An assumption: far dearer than any pair of
    fingers, so that a note is left out only where no fingers go together."""

    release: float = 20.0
    """A held key released early with all of its note lost; a quarter with little of it lost. An
    assumption: dearer than any crossing or leap, so that keys are held where fingers allow."""

    release_second: float = 20.0
    """[per second] that such a key loses, on top, up to `release_most`; chosen."""

    release_most: float = 60.0
    """Most that these seconds cost: less than a note left out."""

    def __post_init__(self) -> None:
        if not self.beam_width >= 1:
            raise InvalidValue("beam_width", self.beam_width, "1 or more")
        if not self.hand_size > 0.0:
            raise InvalidValue("hand_size", self.hand_size, "above 0")

    @property
    def widest(self) -> float:
        """Largest distance from thumb to little finger of a hand of `hand_size` [white keys]."""
        return self.hand_span * self.hand_size


class CostTables(NamedTuple):
    """Costs by finger and distance; d = 2 MAX_STEPS + 1 distances."""

    single: np.ndarray
    """A finger on a white or black key. Shape (2, 6)."""

    chord: np.ndarray
    """Two keys struck together, the lower key's finger first. The first index is 2 (first is black)
    + (second is black). Shape (4, 6, 6, d)."""

    hold: np.ndarray
    """A new key (second finger) while another key (first finger) is held. The first index is that
    of `chord`. Shape (4, 6, 6, d)."""

    melodic: np.ndarray
    """A key after another one; the first index is 2 (first is black) + (second is black). Shape
    (4, 6, 6, d)."""

    skip: np.ndarray
    """A key and the key of the note before last. Shape (6, 6, d)."""

    repeat: np.ndarray
    """The same key again, slow or fast. Shape (2, 6, 6)."""


def span_limits(low: int, high: int, config: FingeringConfig) -> np.ndarray:
    """Spans of a pair of fingers as in Parncutt's table, in white keys. Shape (6,).

    They have the size of the hand. The largest spans from the thumb are cut to the hand's widest
    for the little finger, and to 0.5 key less for each finger further in. Two fingers come no
    nearer than half a key.

    Args:
        low: finger nearer to the thumb, 1 to 4.
        high: finger nearer to the little finger, above `low`.
        config: span and size of the hand.
    """
    semitones = np.array(_SPANS_SEMITONES[(low, high)], dtype=float)
    spans = semitones * _KEYS_PER_SEMITONE * config.hand_size
    if low == 1:
        spans = np.minimum(spans, config.widest - 0.5 * (5 - high))
    else:
        spans = np.minimum(spans, config.widest)
        spans[:3] = np.minimum(spans[:3], [0.5, 0.5, 1.0 * (high - low)])
    return spans


def _stretch(span: np.ndarray, low: int, high: int, config: FingeringConfig) -> np.ndarray:
    """Cost of a span beyond each class of spans, added up.

    Outside of the relaxed class, pairs without the thumb cost double.
    """
    least, low_comfortable, low_relaxed, high_relaxed, high_comfortable, most = span_limits(
        low, high, config
    )
    relaxed = config.relaxed * (1.0 if low == 1 else 2.0)
    beyond = relaxed * (np.maximum(low_relaxed - span, 0) + np.maximum(span - high_relaxed, 0))
    beyond += config.comfortable * (
        np.maximum(low_comfortable - span, 0) + np.maximum(span - high_comfortable, 0)
    )
    return beyond + config.practical * (np.maximum(least - span, 0) + np.maximum(span - most, 0))


def _chord_tables(config: FingeringConfig) -> tuple[np.ndarray, np.ndarray]:
    """The `chord` and `hold` tables: fingers in order, within what the hand can hold.

    Under a held finger the thumb may pass, at twice the cost.
    """
    distance = np.arange(-MAX_STEPS, MAX_STEPS + 1) / 2.0
    shares = reach_shares(config.hand_size)
    chord = np.zeros((4, 6, 6, distance.size))
    hold = np.zeros_like(chord)
    for first in range(1, 6):
        chord[:, first, first] = IMPOSSIBLE
        hold[:, first, first] = np.where(distance == 0, 0.0, IMPOSSIBLE)
        for second in range(1, 6):
            if first == second:
                continue
            low = min(first, second)
            high = max(first, second)
            span = distance if first < second else -distance
            limits = span_limits(low, high, config)
            share = shares[:, first, second]
            beyond = np.clip(share - config.easy_share, 0.0, 1.0)
            strain = np.where(np.isfinite(share), config.strain * beyond, IMPOSSIBLE)
            in_order = span >= max(0.5, 0.5 * (high - low - 1))
            cost = np.where(in_order, _stretch(span, low, high, config), IMPOSSIBLE) + strain
            under = (low == 1) & (span < 0) & (span >= limits[0])
            crossed = 2 * config.cross - 2 * config.cross_length * span + strain
            chord[:, first, second] = np.minimum(cost, IMPOSSIBLE)
            hold[:, first, second] = np.minimum(np.where(under, crossed, cost), IMPOSSIBLE)
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
    """The `skip` table: cost of a change of the hand's position.

    In the manner of Parncutt's rules for triplets.
    """
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
    """Cost of two successive notes with the fingers in the wrong order.

    Args:
        length: distance between the keys [white keys].
        low: finger nearer to the thumb.
        high: finger nearer to the little finger.
        low_black: 1 if `low` is on a black key, else 0.
        high_black: 1 if `high` is, else 0.
        config: weights.
    """
    if low != 1:
        return np.full_like(length, config.cross_fingers)
    cost = config.cross + config.cross_length * np.maximum(length - 1.0, 0.0)
    longest = -span_limits(low, high, config)[0]
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
    """All tables of a configuration; the last eight are kept."""
    single = np.zeros((2, 6))
    single[:, 4:] = config.weak
    single[1, 1] += config.thumb_black
    single[1, 5] += config.little_black
    chord, hold = _chord_tables(config)
    repeat = np.zeros((2, 6, 6))
    repeat[0, 1:, 1:] = config.repeat_change * (1.0 - np.eye(5))
    repeat[1, 1:, 1:] = config.repeat_fast * np.eye(5)
    return CostTables(
        single=single,
        chord=chord,
        hold=hold,
        melodic=_melodic_table(config),
        skip=_skip_table(config),
        repeat=repeat,
    )
