"""Key time: how long keys are down in a plan, against the time for which they are as written.

A plan releases keys before the end of their notes where a finger or a hand is needed elsewhere.
Each such release is told in a remark, with its time down and its written time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from musclehand.music.formats.score_file import format_count
from musclehand.music.score import Hand, Note, Score
from musclehand.music.sounding import sounding_score
from musclehand.planning.fingering.pedalling import written_ends
from musclehand.planning.fingering.playable import list_notes

LEAST_EARLY = 0.01
"""[s] a release is early from here on; chosen: a fifth of a frame of the metrics."""

_TOLD = re.compile(
    r"[\d,]+ notes? (released early|left out, (the plan has no|they have no finger))"
)
"""Remarks of `plan_remarks`, and the one of the fingering that it replaces."""


class EarlyRelease(NamedTuple):
    """A key that a plan lets go before its note ends as written."""

    note: Note
    """Of the plan, with the end that its key has in it."""

    written: float
    """[s] time for which the key is down as written."""

    sounds_on: bool
    """Whether the pedal carries the note to its written end."""


def key_time_kept(written: Score, planned: Score) -> float | None:
    """Share of the written key time for which a plan holds keys down: a sum over notes.

    Args:
        written: notes with their ends as written.
        planned: the notes that are played, with their ends in the plan; notes left out count as no
            time.

    Returns:
        The share, 0 to 1; None if no notes are written.
    """
    total = float(np.diff(written.intervals).sum())
    return float(np.diff(planned.intervals).sum()) / total if total else None


def early_releases(planned: Score, written: Score) -> tuple[EarlyRelease, ...]:
    """The keys that a plan lets go early by `LEAST_EARLY` or more, in order of onset.

    Args:
        planned: notes with their ends in the plan, and the pedal.
        written: the same notes with their ends as written.
    """
    heard = sounding_score(planned)
    return tuple(
        EarlyRelease(note, end - note.onset, sound.offset >= end - LEAST_EARLY)
        for note, sound, end in zip(
            planned.notes, heard.notes, written_ends(planned, written), strict=True
        )
        if end - note.offset >= LEAST_EARLY
    )


def plan_remarks(score: Score, planned: Score, written: Score) -> tuple[str, ...]:
    """Remarks of a score and of its plan: each release that the plan makes early is told.

    They take the place of such remarks of the fingering or of an earlier plan.

    Args:
        score: fingered, with remarks so far.
        planned: its notes that are played, with their ends in the plan, and the pedal.
        written: the same notes with their ends as written.
    """
    remarks = [remark for remark in score.remarks if not _TOLD.match(remark)]
    hands = {note.hand for note in planned.notes}
    for reason, notes in (
        ("they have no finger", [note for note in score.notes if note.finger is None]),
        *(
            (
                f"the plan has no {hand.name.lower()} hand",
                [note for note in score.notes if note.hand == hand and note.finger is not None],
            )
            for hand in Hand
            if hand not in hands
        ),
    ):
        if notes:
            count = format_count(len(notes), "note")
            remarks.append(f"{count} left out, {reason}: {list_notes(notes)}")
    early = early_releases(planned, written)
    if early:
        lost = sum(release.written - release.note.duration for release in early)
        carried = sum(release.sounds_on for release in early)
        pedal = f", {carried} of them sound on with the pedal" if carried else ""
        times = [f"after {each.note.duration:.2f} of {each.written:.2f} s" for each in early]
        remarks.append(
            f"{format_count(len(early), 'note')} released early, the finger or hand is needed "
            f"elsewhere, {lost:.2f} s in all{pedal}: "
            f"{list_notes([release.note for release in early], times)}"
        )
    return tuple(remarks)
