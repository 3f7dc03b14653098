"""Match rates: agreement of a fingering with those of people, and the PIG data set's folders.

The measures and their names are those of Nakamura, Saito & Yoshii (2020), "Statistical learning and
estimation of piano fingering", Information Sciences 517. Their definitions are from memory:

- the general match rate is the share of notes fingered as by an annotator, averaged over the
  annotators;
- the highest match rate is that of the annotator with whom the fingering agrees most;
- the soft match rate counts a note that any annotator has fingered like that.

A note matches if it has the same hand and the same finger. It counts where annotators have given a
finger, and if the fingering leaves it out, it is a mismatch. Where annotators change the finger on
a held key, the first finger counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import permutations
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.pig import read_pig
from musclehand.music.score import Hand, Note, Score

_FILE_NAME = re.compile(r"(\d+)-(\d+)_fingering\.txt")

PEOPLE = 0.714
"""General match rate on PIG of people among themselves (Nakamura et al. 2020), as Randolph's
Chirality benchmark quotes it."""

HIDDEN_MARKOV = (0.616, 0.644)
"""General match rates on PIG of hidden Markov models of first and third order (Nakamura et al.
2020), as Randolph's Chirality benchmark quotes them."""

LEARNED_RULES = 0.654
"""General match rate on PIG of Parncutt's rules with learned weights (Randolph's Chirality
benchmark)."""


class MatchRates(NamedTuple):
    """Match rates of a fingering; nan where no annotator gave a finger."""

    general: float
    """[share] of the notes fingered as by an annotator, mean over the annotators."""

    highest: float
    """[share] of the notes fingered as by the annotator with the highest share."""

    soft: float
    """[share] of the notes fingered as by any annotator."""

    notes: int
    """Number of notes that count."""


def match_rates(
    score: Score, references: Sequence[Score], *, hand: Hand | None = None
) -> MatchRates:
    """Agreement of a fingering with people's fingerings of the same notes.

    Args:
        score: fingered notes, with the onsets and pitches of the references.
        references: one score for each annotator.
        hand: only notes that the references give to this hand count; None: all notes.
    """
    choices = {_key(note): (note.hand, note.finger) for note in score.notes}
    shares: list[float] = []
    any_hit: dict[tuple[int, int], bool] = {}
    for reference in references:
        hits = []
        for note in reference.notes:
            if note.finger is None or hand not in (None, note.hand):
                continue
            hits.append(choices.get(_key(note)) == (note.hand, note.finger))
            any_hit[_key(note)] = any_hit.get(_key(note), False) or hits[-1]
        if hits:
            shares.append(sum(hits) / len(hits))
    if not shares:
        return MatchRates(np.nan, np.nan, np.nan, 0)
    soft = sum(any_hit.values()) / len(any_hit)
    return MatchRates(float(np.mean(shares)), max(shares), soft, len(any_hit))


def human_match_rate(references: Sequence[Score]) -> float:
    """General match rate of annotators among themselves.

    Args:
        references: one score for each annotator.

    Returns:
        The mean over all ordered pairs; nan with fewer than two annotators.
    """
    pairs = permutations(references, 2)
    rates = [match_rates(score, [reference]).general for score, reference in pairs]
    return float(np.mean(rates)) if rates else float("nan")


def pool(rates: Iterable[MatchRates]) -> MatchRates:
    """Mean match rates of several pieces, weighted by their notes; nan without notes."""
    counted = [rate for rate in rates if rate.notes]
    notes = sum(rate.notes for rate in counted)
    if not notes:
        return MatchRates(np.nan, np.nan, np.nan, 0)
    table = np.array([rate[:3] for rate in counted], dtype=float)
    general, highest, soft = np.average(table, axis=0, weights=[rate.notes for rate in counted])
    return MatchRates(float(general), float(highest), float(soft), notes)


def read_pig_folder(folder: str | PathLike[str]) -> dict[str, list[Score]]:
    """Reads the pieces of a PIG folder, each with the scores of all its annotators.

    Files may be anywhere under the folder and are recognised by PIG's names: those of the first
    piece are `001-1_fingering.txt`, `001-2_fingering.txt` and so on. Pieces and annotators come in
    the order of their numbers.

    Args:
        folder: your copy of the data set.

    Raises:
        InvalidValue: there is no such folder, or no such file in it.
        ScoreError: a file is not in the PIG format.
    """
    pieces: dict[str, list[tuple[int, Path]]] = {}
    for path in Path(folder).rglob("*_fingering.txt"):
        if match := _FILE_NAME.fullmatch(path.name):
            pieces.setdefault(match[1], []).append((int(match[2]), path))
    if not pieces:
        raise InvalidValue(
            "PIG folder", str(folder), "a folder with files named like 001-1_fingering.txt"
        )
    order = sorted(pieces, key=lambda piece: (int(piece), piece))
    return {piece: [read_pig(path) for _, path in sorted(pieces[piece])] for piece in order}


def _key(note: Note) -> tuple[int, int]:
    """Onset to the millisecond, and pitch: files of two annotators agree on these."""
    return round(1e3 * note.onset), note.pitch
