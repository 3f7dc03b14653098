"""Noise ceiling of an armband data set: agreement between sessions of one person and of several.

Sessions are folders as the myo-readings-dataset has them ("12345-1", files 1.txt to 7.txt). Each
movement's ensemble average is compared with that of the same movement (right) and of all others
(wrong, the null). Compared are the odd and the even repetitions of a session, two sessions of one
person, and two people of the same side. All of that once as the armbands were worn, and once after
the rotation that the other movements gave (`armband.cross_validate_rotation`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import MusclehandError
from musclehand.emg.comparison.identify import NoiseCeiling, noise_ceiling, select_movements
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
"""Groups of pairs, as tables and files name them."""

CONFIG = EnvelopeConfig(fs_out_hz=25.0)
"""Settings of the envelopes. They change slowly: 25 rows a second give the same correlations as 100
and are compared four times as fast."""

MAX_SESSIONS = 200
"""Most sessions of a data set; the number of pairs grows with the square."""

MIN_FILES = 3
"""Fewest files of movements that make a folder a session."""


class Session(NamedTuple):
    """One session of an armband data set."""

    name: str
    """Of its folder."""

    subject: str
    """The person, as the data set names them."""

    side: Side | None
    """Arm; None where folders do not say it."""

    ensembles: Ensembles
    """Mean courses of its movements."""

    halves: tuple[Ensembles, Ensembles] | None
    """Mean courses of its odd and even repetitions; None where there are too few."""


class SessionPair(NamedTuple):
    """Agreement of two sessions, or of the halves of one."""

    first: str
    """Name of the first session."""

    second: str
    """Name of the second session."""

    group: str
    """One of `GROUPS`."""

    worn: NoiseCeiling
    """Agreement of the armbands as they were worn."""

    shift: int
    """Rotation of the second armband against the first by all movements [electrodes]."""

    rotated: MovementTest | None
    """Agreement after a rotation by all movements but the one compared; None for fewer than 3
    movements."""


@dataclass(frozen=True)
class SessionStudy:
    """All pairs of sessions of a data set."""

    sessions: tuple[str, ...]
    """Names of the sessions."""

    pairs: tuple[SessionPair, ...] = field(repr=False)
    """Of the same side."""

    problems: tuple[str, ...] = ()
    """Files that could not be read, as sentences."""

    def group(self, name: str) -> tuple[SessionPair, ...]:
        """The pairs of one of `GROUPS`."""
        return tuple(pair for pair in self.pairs if pair.group == name)


def config_for(lowpass_hz: float) -> EnvelopeConfig:
    """`CONFIG` with another low-pass frequency [Hz], at a rate that holds it."""
    fs_out_hz = max(CONFIG.fs_out_hz, 4 * lowpass_hz)
    return replace(CONFIG, lowpass_hz=lowpass_hz, fs_out_hz=fs_out_hz)


def find_sessions(folder: str | PathLike[str]) -> tuple[Path, ...]:
    """Folders of sessions in a folder, or the folder itself, by name.

    A session holds at least three of the files 1.txt to 7.txt.

    Raises:
        EmgFileError: no session, or more than `MAX_SESSIONS`.
    """
    root = Path(folder)
    candidates = (
        [root, *sorted(path for path in root.rglob("*-*") if path.is_dir())]
        if root.is_dir()
        else []
    )
    sessions = [
        path
        for path in candidates
        if sum((path / f"{k}.txt").is_file() for k in range(1, 8)) >= MIN_FILES
    ]
    if not sessions:
        raise EmgFileError(
            root, "no sessions in it: folders such as 12345-1 with files 1.txt to 7.txt"
        )
    if len(sessions) > MAX_SESSIONS:
        raise EmgFileError(root, f"{len(sessions)} sessions in it; at most {MAX_SESSIONS}")
    return tuple(sessions)


def study_sessions(folder: str | PathLike[str], config: EnvelopeConfig = CONFIG) -> SessionStudy:
    """Compares all sessions in a folder with each other.

    Files that cannot be read are listed in the result.

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
        _compare(HALVES, (session.name, session.name), session.halves)
        for session in sessions
        if session.halves
    ]
    for first, second in itertools.combinations(sessions, 2):
        if first.side is second.side:
            group = SAME_PERSON if first.subject == second.subject else OTHER_PERSON
            names = (first.name, second.name)
            pairs.append(_compare(group, names, (first.ensembles, second.ensembles)))
    return SessionStudy(tuple(session.name for session in sessions), tuple(pairs), tuple(problems))


def _read(path: Path, config: EnvelopeConfig, problems: list[EmgFileError]) -> Session:
    recordings = read_armband_session(path, problems=problems)
    recordings.pop("hibernation", None)
    ensembles = movement_ensembles(recordings, config)
    first = next(iter(recordings.values()))
    odd, even = (_every_second(recordings, start) for start in (0, 1))
    try:
        halves = movement_ensembles(odd, config), movement_ensembles(even, config)
    except MusclehandError:
        halves = None  # too few repetitions for two means
    return Session(
        name=path.name,
        subject=first.subject,
        side=first.channels[0].side,
        ensembles=ensembles,
        halves=halves,
    )


def _every_second(recordings: Mapping[str, EmgRecording], start: int) -> dict[str, EmgRecording]:
    """The same recordings with every second repetition of their movement only."""
    return {
        movement: replace(
            recording,
            events=tuple(event for event in recording.events if event.label == movement)[start::2],
        )
        for movement, recording in recordings.items()
    }


def _compare(
    group: str, names: tuple[str, str], ensembles: tuple[Ensembles, Ensembles]
) -> SessionPair:
    first, second = ensembles
    common = [movement for movement in first.movements if movement in second.movements]
    worn = noise_ceiling(first, second)
    a = select_movements(first, common).values
    b = select_movements(second, common).values
    rotated = cross_validate_rotation(a, b) if len(common) >= 3 else None
    return SessionPair(
        first=names[0],
        second=names[1],
        group=group,
        worn=worn,
        shift=find_rotation(a, b).shift,
        rotated=rotated,
    )


class Spread(NamedTuple):
    """Percentiles of a set of numbers; NaN of an empty set."""

    median: float
    """50th percentile."""

    low: float
    """5th percentile."""

    high: float
    """95th percentile."""

    number: int
    """Size of the set."""


def spread(values: np.ndarray) -> Spread:
    """Percentiles of all finite numbers of an array."""
    finite = np.ravel(values)[np.isfinite(np.ravel(values))]
    if not len(finite):
        return Spread(np.nan, np.nan, np.nan, 0)
    low, median, high = np.percentile(finite, (5, 50, 95))
    return Spread(median=float(median), low=float(low), high=float(high), number=len(finite))


def spearman_brown(r: float) -> float:
    """Spearman-Brown formula: the correlation of means of twice as many repetitions (recalled)."""
    return 2 * r / (1 + r)


def summarise(study: SessionStudy) -> dict[str, dict[str, Spread]]:
    """Spread of each score, for each group with pairs.

    Scores are of a channel over time, and of channels and time pooled; as worn and after rotation
    ("turned"); of the right and of the wrong movement.
    """
    table: dict[str, dict[str, Spread]] = {}
    for name in GROUPS:
        pairs = study.group(name)
        if not pairs:
            continue
        worn = [pair.worn for pair in pairs]
        rotated = [pair.rotated for pair in pairs if pair.rotated is not None]
        table[name] = {
            "channel, right": _spread_of([ceiling.channels for ceiling in worn]),
            "channel, wrong": _spread_of([ceiling.wrong_channels for ceiling in worn]),
            "pooled, right": _spread_of([ceiling.pooled for ceiling in worn]),
            "pooled, wrong": _spread_of([ceiling.wrong_pooled for ceiling in worn]),
            "turned, right": _spread_of([test.right for test in rotated]),
            "turned, wrong": _spread_of([test.wrong for test in rotated]),
        }
    return table


def _spread_of(arrays: Sequence[np.ndarray]) -> Spread:
    return spread(np.concatenate([values.ravel() for values in arrays]) if arrays else np.empty(0))


def explain(study: SessionStudy) -> list[str]:
    """Reading of the numbers of halves, and ceilings that these sessions cannot give."""
    sentences = []
    table = summarise(study)
    if HALVES in table and table[HALVES]["channel, right"].number:
        half = table[HALVES]["channel, right"].median
        sentences.append(
            "Halves are means of half as many repetitions: whole sessions as alike as these would "
            f"have {spearman_brown(half):.2f} instead of {half:.2f} for a channel over time "
            "(Spearman-Brown)."
        )
    if not study.group(SAME_PERSON):
        sentences.append(
            "No two sessions are of one person: the ceiling between sessions cannot be estimated."
        )
    if not study.group(OTHER_PERSON):
        sentences.append(
            "No two people with the same arm: the ceiling between people cannot be estimated."
        )
    return sentences


def as_json(study: SessionStudy, lowpass_hz: float) -> dict[str, Any]:
    """The study and its low-pass [Hz] as an object of plain values, null for NaN."""
    return {
        "sessions": list(study.sessions),
        "problems": list(study.problems),
        "lowpass_hz": lowpass_hz,
        "scores": {
            group: {name: _spread_json(values) for name, values in row.items()}
            for group, row in summarise(study).items()
        },
        "shifts": [
            {"first": pair.first, "second": pair.second, "shift": pair.shift}
            for pair in study.pairs
        ],
    }


def _spread_json(values: Spread) -> dict[str, float | None]:
    return {name: value if value == value else None for name, value in values._asdict().items()}
