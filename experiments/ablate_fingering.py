"""Ablation of finger assignment in the observation of the high-level policy.

The policy observes the notes of each finger, and where their keys are from that fingertip. Here it
observes the same notes in turn, the first as if it were the thumb's, the next as the index
finger's and so on, whichever finger has to play them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musclehand.body.anatomy import DIGITS
from musclehand.envs.piano.goals import Goals, HandNotes


def in_turn(notes: HandNotes) -> HandNotes:
    """The same notes, assigned to one finger after the other."""
    return replace(notes, finger=np.arange(len(notes.finger)) % len(DIGITS))


def goals_without_fingers(hands: Sequence[HandNotes]) -> Goals:
    """The notes of hands without finger assignment: a `GoalsMaker`."""
    return Goals([in_turn(notes) for notes in hands])
