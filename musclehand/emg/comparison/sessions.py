"""How alike recordings are that should be: the ceiling for any simulation, over all sessions of an
armband data set.

Sessions are folders as the myo-readings-dataset has them ("12345-1", files 1.txt to 7.txt). Each
movement's mean course is compared with that of the same movement (right) and of all others (wrong,
the null) between: the odd and the even repetitions of one session; two sessions of one person; two
people of the same side. Once as the armbands were worn, and once turned by the rotation that the
other movements gave (`armband.cross_validate_rotation`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import MusclehandError
from musclehand.emg.comparison.identify import Ceiling, ceiling, select_movements
from musclehand.emg.io.armband_file import read_armband_session
from musclehand.emg.model.armband import (
    Ensembles,
    MovementTest,
    cross_validate_rotation,
    find_rotation,
    movement_ensembles,
)
from musclehand.emg.processing.envelope import EnvelopeConfig
from musclehand.emg.recording import EmgFileError, EmgRecording

HALVES = "same session, other repetitions"
SAME_PERSON = "same person, other session"
OTHER_PERSON = "other person"
GROUPS = (HALVES, SAME_PERSON, OTHER_PERSON)

CONFIG = EnvelopeConfig(fs_out_hz=25.0)
"""Envelopes change slowly: 25 rows a second tell as much as 100 and are compared four times as
fast."""

MAX_SESSIONS = 200


class Session(NamedTuple):
    """One session: mean courses of its movements, and those of its odd and even repetitions
    alone."""

    name: str
    subject: str
    side: Side | None
    ensembles: Ensembles
    halves: tuple[Ensembles, Ensembles] | None


class SessionPair(NamedTuple):
    """Two sessions, or halves of one. `worn`: as they were worn; `shift` by how many electrodes the
    second is turned against the first, by all movements; `turned`: after a rotation by all
    movements but the one compared, or None for fewer than 3 movements.
    """

    first: str
    second: str
    group: str
    worn: Ceiling
    shift: int
    turned: MovementTest | None


@dataclass(frozen=True)
class SessionStudy:
    """All pairs, the sessions they are of, and what could not be read, as sentences."""

    sessions: tuple[str, ...]
    pairs: tuple[SessionPair, ...] = field(repr=False)
    problems: tuple[str, ...] = ()

    def group(self, name: str) -> tuple[SessionPair, ...]:
        """The pairs of one of `GROUPS`."""
        return tuple(pair for pair in self.pairs if pair.group == name)


def find_sessions(folder: str | PathLike[str]) -> tuple[Path, ...]:
    """The folders in a folder, or itself, that hold at least three of the files 1.txt to 7.txt, by
    name.

    Raises:
        EmgFileError: there is none, or there are very many.
    """
    root = Path(folder)
    candidates = (
        [root, *sorted(path for path in root.rglob("*-*") if path.is_dir())]
        if root.is_dir()
        else []
    )
    found = [
        path for path in candidates if sum((path / f"{k}.txt").is_file() for k in range(1, 8)) >= 3
    ]
    if not found:
        raise EmgFileError(
            root, "no sessions in it: folders such as 12345-1 with files 1.txt to 7.txt"
        )
    if len(found) > MAX_SESSIONS:
        raise EmgFileError(root, f"{len(found)} sessions in it; at most {MAX_SESSIONS}")
    return tuple(found)


def study_sessions(folder: str | PathLike[str], config: EnvelopeConfig = CONFIG) -> SessionStudy:
    """Compares all sessions in a folder with each other; a file that cannot be read is a problem,
    not an end.

    Raises:
        EmgFileError: there are no sessions in it, or none that can be read.
    """
    sessions: list[Session] = []
    problems: list[str] = []
    for path in find_sessions(folder):
        damaged: list[EmgFileError] = []
        try:
            sessions.append(_read(path, config, damaged))
            problems += [str(error) for error in damaged]
        except MusclehandError as error:
            problems.append(str(error))
    if not sessions:
        raise EmgFileError(folder, f"none of its sessions can be read: {problems[0]}")
    pairs = [
        _compare(session.name, session.name, HALVES, *session.halves)
        for session in sessions
        if session.halves
    ]
    for first, second in itertools.combinations(sessions, 2):
        if first.side is second.side:
            group = SAME_PERSON if first.subject == second.subject else OTHER_PERSON
            pairs.append(
                _compare(first.name, second.name, group, first.ensembles, second.ensembles)
            )
    return SessionStudy(tuple(session.name for session in sessions), tuple(pairs), tuple(problems))


def _read(path: Path, config: EnvelopeConfig, problems: list[EmgFileError]) -> Session:
    recordings = read_armband_session(path, problems=problems)
    recordings.pop("hibernation", None)
    whole = movement_ensembles(recordings, config)
    any_ = next(iter(recordings.values()))
    odd, even = (_every_other(recordings, first) for first in (0, 1))
    try:
        halves = movement_ensembles(odd, config), movement_ensembles(even, config)
    except MusclehandError:
        halves = None  # too few repetitions for two means
    return Session(path.name, any_.subject, any_.channels[0].side, whole, halves)


def _every_other(recordings: Mapping[str, EmgRecording], first: int) -> dict[str, EmgRecording]:
    """The same with every other repetition of the movement only."""
    return {
        movement: replace(
            each, events=tuple(event for event in each.events if event.label == movement)[first::2]
        )
        for movement, each in recordings.items()
    }


def _compare(first: str, second: str, group: str, one: Ensembles, two: Ensembles) -> SessionPair:
    common = [movement for movement in one.movements if movement in two.movements]
    worn = ceiling(one, two)
    a = select_movements(one, common).values
    b = select_movements(two, common).values
    turned = cross_validate_rotation(a, b) if len(common) >= 3 else None
    return SessionPair(first, second, group, worn, find_rotation(a, b).shift, turned)


class Spread(NamedTuple):
    """Median, 5th and 95th percentile, and of how many; NaN of none."""

    median: float
    low: float
    high: float
    number: int


def spread(values: np.ndarray) -> Spread:
    """Of all numbers that are there."""
    there = np.ravel(values)[np.isfinite(np.ravel(values))]
    if not len(there):
        return Spread(np.nan, np.nan, np.nan, 0)
    low, median, high = np.percentile(there, (5, 50, 95))
    return Spread(float(median), float(low), float(high), len(there))


def of_whole_sessions(r: float) -> float:
    """The correlation that means of twice as many repetitions would have: Spearman and Brown's
    formula (recalled)."""
    return 2 * r / (1 + r)


def summarise(study: SessionStudy) -> dict[str, dict[str, Spread]]:
    """For each group with pairs, the spread of each score: a channel over time, and channels and
    time pooled, as worn and after turning, of the right and of the wrong movement.
    """
    table: dict[str, dict[str, Spread]] = {}
    for name in GROUPS:
        pairs = study.group(name)
        if not pairs:
            continue
        worn = [pair.worn for pair in pairs]
        turned = [pair.turned for pair in pairs if pair.turned is not None]
        table[name] = {
            "channel, right": spread(np.concatenate([each.channels.ravel() for each in worn])),
            "channel, wrong": spread(
                np.concatenate([each.wrong_channels.ravel() for each in worn])
            ),
            "pooled, right": spread(np.concatenate([each.pooled for each in worn])),
            "pooled, wrong": spread(np.concatenate([each.wrong_pooled for each in worn])),
            "turned, right": spread(
                np.concatenate([each.right for each in turned]) if turned else np.empty(0)
            ),
            "turned, wrong": spread(
                np.concatenate([each.wrong.ravel() for each in turned]) if turned else np.empty(0)
            ),
        }
    return table
