"""How far a fingering agrees with people's: match rates, and the PIG data set's files of several
annotators.

Measures of Nakamura, Saito & Yoshii (2020), "Statistical learning and estimation of piano
fingering", Information Sciences 517; their names, definitions recalled: the general match rate is
the share of notes fingered as an annotator did, averaged over the annotators; the highest is that
of the annotator it agrees with most; soft counts a note that any annotator fingered so. A note has
to have the same hand and the same finger. A note counts where annotators gave a finger; one that
the fingering leaves out is a mismatch. Of a finger changed on the key the first counts.
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
HIDDEN_MARKOV = (0.616, 0.644)
LEARNED_RULES = 0.654
"""General match rates on PIG: people among themselves and hidden Markov models of first and
third order (Nakamura et al. 2020), Parncutt's rules with learned weights (Randolph's Chirality
benchmark); as the latter quotes them."""


class MatchRates(NamedTuple):
    """Shares of the notes, 0..1 (see the module docstring); nan where nobody gave a finger.
    `notes`: how many count."""

    general: float
    highest: float
    soft: float
    notes: int


def match_rates(
    score: Score, references: Sequence[Score], *, hand: Hand | None = None
) -> MatchRates:
    """Agreement of a fingering with one or several people's fingerings of the same notes.

    Args:
        score: fingered notes; onsets and pitches as in the references.
        references: one score for each person.
        hand: count the notes only that the references give to this hand.
    """
    found = {_key(note): (note.hand, note.finger) for note in score.notes}
    shares: list[float] = []
    any_hit: dict[tuple[int, int], bool] = {}
    for reference in references:
        hits = []
        for note in reference.notes:
            if note.finger is None or hand not in (None, note.hand):
                continue
            hits.append(found.get(_key(note)) == (note.hand, note.finger))
            any_hit[_key(note)] = any_hit.get(_key(note), False) or hits[-1]
        if hits:
            shares.append(sum(hits) / len(hits))
    if not shares:
        return MatchRates(np.nan, np.nan, np.nan, 0)
    soft = sum(any_hit.values()) / len(any_hit)
    return MatchRates(float(np.mean(shares)), max(shares), soft, len(any_hit))


def human_match_rate(references: Sequence[Score]) -> float:
    """General match rate of people among themselves: mean over all ordered pairs; nan with fewer
    than two."""
    rates = [match_rates(one, [other]).general for one, other in permutations(references, 2)]
    return float(np.mean(rates)) if rates else float("nan")


def pool(rates: Iterable[MatchRates]) -> MatchRates:
    """Rates of several pieces as one, each weighted by its notes; nan without notes."""
    counted = [rate for rate in rates if rate.notes]
    notes = sum(rate.notes for rate in counted)
    if not notes:
        return MatchRates(np.nan, np.nan, np.nan, 0)
    table = np.array([rate[:3] for rate in counted], dtype=float)
    general, highest, soft = np.average(table, axis=0, weights=[rate.notes for rate in counted])
    return MatchRates(float(general), float(highest), float(soft), notes)


def read_pig_folder(folder: str | PathLike[str]) -> dict[str, list[Score]]:
    """The pieces of a PIG folder, each with the scores of all its annotators.

    Files are found anywhere under the folder by PIG's names: `001-1_fingering.txt`,
    `001-2_fingering.txt`, ... are the first piece's. Pieces and annotators come in the order of
    their numbers.

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
    """A note's onset to the millisecond and its pitch: what files of two annotators agree on."""
    return round(1e3 * note.onset), note.pitch
