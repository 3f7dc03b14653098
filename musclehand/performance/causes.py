"""Which notes a performance loses, at which stage, and why.

A note that is missed is put to the first stage from which on it stays missed: the plan, rigid hands
on the reference, ideal joint torques, the player (`performance.stages`). Its cause is the first of
`MISSED` that holds; an extra note has the first of `EXTRA`. Notes that the plan lets go early are
listed as well: they are hit, and their keys come up too soon.

The bounds below are those of the analysis that chose them, on recorded human playing; they sort
notes, and no performance depends on them.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import DIGITS, Side
from musclehand.music.metrics import STRICT_TOLERANCE, match_notes
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Hand, Note, Score
from musclehand.performance.stages import (
    PLAN,
    RIGID,
    TORQUE,
    HandsOnKeys,
    Touch,
    Track,
    digit_of,
)
from musclehand.planning.plan import PerformancePlan

OFF_HEIGHT = 0.003
"""[m] height of a reference fingertip above its target that counts as off the key."""

OFF_DEPTH = 0.015
"""[m] the same along the key."""

OVERLAP = 0.0015
"""[m] depth of one finger in another that no hand can have."""

OVERLAP_WITHIN = 0.05
"""[s] before and after the onset in which overlaps count."""

JERK = 150.0
"""[m/s^2] acceleration of a reference fingertip that strokes do not need."""

JERK_BEFORE = 0.08
"""[s] before the onset in which jerks count."""

SERVO = 0.004
"""[m] distance of a forearm from its path that counts."""

NEIGHBOUR = 2
"""[semitones] keys that are neighbours of a key."""

NEIGHBOUR_WITHIN = 0.05
"""[s] before and after the onset in which a touch of a neighbour counts."""

SAME_KEY = 0.3
"""[s] from a written note of its key in which an extra note belongs to that."""

EARLY_RELEASE = 0.05
"""[s] by which a planned release has to be early to count: a frame of the metrics."""

PRESS_MARGIN = 0.1
"""[s] before and after its note in which a finger counts as playing."""

MISSED = {
    "left_out": "left out by the fingering: no hand can play it with the rest",
    "off_key": "the reference's fingertip is off the key at the onset",
    "fingers_in_each_other": "the reference puts the striking finger into another one",
    "not_struck": "the reference does not strike the key for another reason",
    "servo": "the forearm is off its path",
    "jerk": "the reference of the finger jerks before the stroke",
    "muscles_only": "ideal torques hit it, this player does not",
    "neighbour": "the finger touches a neighbouring key instead",
    "tracking": "ideal torques miss it as well, no other cause was seen",
}
"""Causes of missed notes, in the order in which they are tried."""

EXTRA = {
    "same_key": "the key of a written note: early, late, or struck again",
    "neighbour_struck": "a finger that plays takes a neighbouring key with its tip",
    "side_of_finger": "a finger that plays touches it with another bone",
    "idle_finger": "a finger that has nothing to play touches it",
    "unseen": "no finger touches it at that time",
}
"""Causes of extra notes, in the order in which they are tried."""

SHORT = {"released_early": "the plan lets the key go early"}
"""Causes of notes whose key comes up early."""

CAUSES: Mapping[str, str] = MISSED | EXTRA | SHORT
"""All causes, and what they mean."""

KINDS = ("missed", "extra", "short")
"""What can be lost: a note, the silence of a key, and time for which a key should be down."""


class LostNote(NamedTuple):
    """A note that a performance loses, in one way or another."""

    kind: str
    """Of `KINDS`."""

    stage: str
    """Name of the first player that loses it for good: "plan", "rigid", "torque" or the player."""

    cause: str
    """Of `CAUSES`."""

    time: float
    """[s] onset on the score's clock: written, or of an extra note as played."""

    pitch: int
    """MIDI number of the key."""

    hand: Hand | None
    """Hand that should play it, or does; None where none does."""

    finger: int | None
    """Finger, 1 to 5; None where none is known."""

    lost_s: float
    """[s] time for which the key should be down and is not planned to be; 0 for extra notes."""


class CauseFinder:
    """Looks for the causes of one performance."""

    def __init__(
        self,
        plan: PerformancePlan,
        hands: HandsOnKeys,
        tracks: Mapping[str, Track],
        player: str,
    ) -> None:
        """
        Args:
            plan: that was followed.
            hands: of the scene that was played in.
            tracks: of the rigid hands, of ideal torques, and of the player, by name, in order.
            player: name of the player that is explained, the last of them.
        """
        self._plan = plan
        self._hands = hands
        self._tracks = tracks
        self._player = player
        self._track = tracks[player]
        self._rigid = tracks[RIGID]
        self._planned = _partners(plan.target, plan.planned)
        self._hit = {PLAN: set(self._planned)}
        for name, track in tracks.items():
            self._hit[name] = set(_partners(plan.target, track.played))

    def lost(self) -> list[LostNote]:
        """All lost notes, by time."""
        target = self._plan.target
        player_hit = self._hit[self._player]
        rows = [self._missed(i) for i in range(len(target)) if i not in player_hit]
        matched = {
            pair.played
            for pair in match_notes(target, self._track.played, tolerance=STRICT_TOLERANCE)
        }
        rows += [
            self._extra(note) for i, note in enumerate(self._track.played.notes) if i not in matched
        ]
        for i, planned in self._planned.items():
            early = target.notes[i].offset - planned.offset
            if early > EARLY_RELEASE:
                row = self._row("short", PLAN, "released_early", target.notes[i], planned)
                rows.append(row._replace(lost_s=round(early, 6)))
        return sorted(rows, key=lambda row: (row.time, row.pitch, row.kind))

    def _row(self, kind: str, stage: str, cause: str, note: Note, by: Note | None) -> LostNote:
        """A row about a note.

        Args:
            kind: of `KINDS`.
            stage: name of a player.
            cause: of `CAUSES`.
            note: that is lost.
            by: the same with hand and finger; None where there are none.
        """
        finger = None if by is None or by.finger is None else int(by.finger)
        lost = note.duration if kind == "missed" else 0.0
        hand = None if by is None else by.hand
        return LostNote(
            kind, stage, cause, round(note.onset, 6), note.pitch, hand, finger, round(lost, 6)
        )

    def _missed(self, index: int) -> LostNote:
        note = self._plan.target.notes[index]
        planned = self._planned.get(index)
        if planned is None:
            return self._row("missed", PLAN, "left_out", note, None)
        stage = self._player
        for name in reversed([PLAN, *self._tracks]):
            if index in self._hit[name]:
                break
            stage = name
        cause = self._cause_of_miss(planned, stage, torque_hits=index in self._hit_by_torque())
        return self._row("missed", stage, cause, note, planned)

    def _hit_by_torque(self) -> set[int]:
        return self._hit.get(TORQUE, set())

    def _cause_of_miss(self, planned: Note, stage: str, *, torque_hits: bool) -> str:
        """The first of `MISSED` that holds for a note with hand and finger."""
        side = _side(planned)
        digit = digit_of(self._hands.sides, side, int(planned.finger or 1))
        if self._is_off_key(planned, digit):
            return "off_key"
        around = self._rigid.rows(planned.onset - OVERLAP_WITHIN, planned.onset + OVERLAP_WITHIN)
        if self._hands.overlap(self._rigid, around, digit) > OVERLAP:
            return "fingers_in_each_other"
        if stage == RIGID:
            return "not_struck"
        if self._servo_error(planned, digit) > SERVO:
            return "servo"
        if self._largest_acceleration(planned, digit) > JERK:
            return "jerk"
        if torque_hits and stage == self._player:
            return "muscles_only"
        touched = self._track.rows(
            planned.onset - NEIGHBOUR_WITHIN, planned.onset + NEIGHBOUR_WITHIN
        )
        if any(
            touch.digit == digit and 0 < abs(touch.key - planned.key) <= NEIGHBOUR
            for touch in self._hands.touches(self._track, touched)
        ):
            return "neighbour"
        return "tracking"

    def _is_off_key(self, planned: Note, digit: int) -> bool:
        """Whether the reference's fingertip is not where its key is struck."""
        row = self._rigid.row(planned.onset)
        hand, finger = divmod(digit, len(DIGITS))
        tip = self._hands.tips(self._rigid, range(row, row + 1))[0, hand, finger]
        key = planned.key
        if abs(tip[0] - self._hands.key_x[key]) > self._hands.key_half_width[key]:
            return True
        if self._rigid.targets is None:
            return False
        miss = tip - self._rigid.targets[row, hand, finger]
        return bool(miss[2] > OFF_HEIGHT or abs(miss[1]) > OFF_DEPTH)

    def _servo_error(self, planned: Note, digit: int) -> float:
        """Distance of the player's forearm from the reference's at the onset [m]."""
        hand = digit // len(DIGITS)
        places = [
            self._hands.forearms(track, track.row(planned.onset))[hand]
            for track in (self._track, self._rigid)
        ]
        return float(np.linalg.norm(places[0] - places[1]))

    def _largest_acceleration(self, planned: Note, digit: int) -> float:
        """Of the reference's fingertip before the onset [m/s^2]."""
        rows = self._rigid.rows(planned.onset - JERK_BEFORE, planned.onset)
        if len(rows) < 3:
            return 0.0
        hand, finger = divmod(digit, len(DIGITS))
        tips = self._hands.tips(self._rigid, rows)[:, hand, finger]
        dt = float(np.diff(self._rigid.time).mean())
        return float(np.linalg.norm(np.diff(tips, n=2, axis=0), axis=1).max()) / dt**2

    def _extra(self, note: Note) -> LostNote:
        stage = self._player
        for name, track in self._tracks.items():
            if name != self._player and self._is_extra(track.played, note):
                stage = name
                break
        rows = self._track.rows(note.onset - 0.03, note.onset + 0.01)
        touches = [
            touch for touch in self._hands.touches(self._track, rows) if touch.key == note.key
        ]
        touch = min(touches, key=lambda touch: touch.distance, default=None)
        by = None if touch is None else self._player_of(note, touch)
        return self._row("extra", stage, self._cause_of_extra(note, touch), note, by)

    def _is_extra(self, played: Score, note: Note) -> bool:
        """Whether another player strikes the same key at about that time, and no note has it."""
        written = [other.onset for other in self._plan.target.notes if other.pitch == note.pitch]
        return any(
            abs(other.onset - note.onset) <= 2 * STRICT_TOLERANCE
            and not any(abs(other.onset - onset) <= STRICT_TOLERANCE for onset in written)
            for other in played.notes
            if other.pitch == note.pitch
        )

    def _player_of(self, note: Note, touch: Touch) -> Note:
        """The extra note with the hand and the finger that touch its key."""
        row, finger = divmod(touch.digit, len(DIGITS))
        hand = Hand.RIGHT if self._hands.sides[row] is Side.RIGHT else Hand.LEFT
        return Note(note.onset, note.pitch, note.offset, note.velocity, hand, finger + 1)  # type: ignore[arg-type]

    def _cause_of_extra(self, note: Note, touch: Touch | None) -> str:
        """The first of `EXTRA` that holds."""
        for written in self._plan.target.notes:
            if (
                written.pitch == note.pitch
                and written.onset - SAME_KEY <= note.onset <= written.offset + SAME_KEY
            ):
                return "same_key"
        if touch is None:
            return "unseen"
        plays = any(
            digit_of(self._hands.sides, _side(planned), int(planned.finger or 1)) == touch.digit
            and planned.onset - PRESS_MARGIN <= note.onset <= planned.offset + PRESS_MARGIN
            for planned in self._planned.values()
        )
        if not plays:
            return "idle_finger"
        return "neighbour_struck" if touch.at_tip else "side_of_finger"


def find_causes(
    plan: PerformancePlan, hands: HandsOnKeys, tracks: Mapping[str, Track], player: str
) -> list[LostNote]:
    """All lost notes of a performance, by time; arguments as for `CauseFinder`."""
    return CauseFinder(plan, hands, tracks, player).lost()


def count_causes(rows: Iterable[LostNote]) -> dict[str, dict[str, int]]:
    """How many notes each cause has, most first, by kind."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for row in rows:
        counts[row.kind][row.cause] += 1
    return {kind: dict(counter.most_common()) for kind, counter in counts.items()}


def causes_csv(rows: Sequence[LostNote]) -> str:
    """Lost notes as a table of comma-separated values, a line each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("kind", "stage", "cause", "time_s", "pitch", "note", "hand", "finger", "lost_s")
    )
    for row in rows:
        writer.writerow(
            (
                *(row.kind, row.stage, row.cause, f"{row.time:.3f}", row.pitch),
                pitch_name(row.pitch),
                "" if row.hand is None else row.hand.name.lower(),
                row.finger or "",
                f"{row.lost_s:.3f}",
            )
        )
    return out.getvalue()


def _partners(target: Score, played: Score) -> dict[int, Note]:
    """The note of a performance that matches each note of the target within 50 ms, by index."""
    return {
        pair.reference: played.notes[pair.played]
        for pair in match_notes(target, played, tolerance=STRICT_TOLERANCE)
    }


def _side(note: Note) -> Side:
    return Side.RIGHT if note.hand is Hand.RIGHT else Side.LEFT
