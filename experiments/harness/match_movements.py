"""Identification of movements by electrode patterns over time, between simulation and people.

Patterns are compared after their mean over the movements is taken away, and the rotation of each
armband is fitted on the other movements (`emg.model.armband.cross_validate_rotation`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from musclehand.emg.model.armband import Ensembles, MovementTest, cross_validate_rotation

RECORDED = "recorded movement identified among simulated ones"
SIMULATED = "recording identified for a simulated movement"

QUESTIONS = (RECORDED, SIMULATED)
"""What is identified."""

SAME_PERSON = "same person"
OTHER_PERSON = "other person"

FLOOR = 0.02
"""Smallest amplitude of the logarithm, as a share of the electrode's largest one."""


def logarithm(values: np.ndarray) -> np.ndarray:
    """Logarithm of amplitudes, which are raised to `FLOOR`. Shape (M, T, K)."""
    floor = np.maximum(FLOOR * values.max(axis=(0, 1)), np.finfo(float).tiny)
    return np.log(np.maximum(values, floor))


def square_root(values: np.ndarray) -> np.ndarray:
    """Square root of amplitudes, which filters leave a little below 0 here and there."""
    return np.sqrt(np.maximum(values, 0.0))


COMPRESSIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "square root": square_root,
    "logarithm": logarithm,
    "none": np.asarray,
}
"""Compressions of amplitudes; the first is the default where there are no two people."""


class Session(NamedTuple):
    """A session of an armband."""

    name: str
    """Of its folder."""

    person: str
    """Who wore the armband."""

    left: bool
    """Worn on the left arm."""

    ensembles: Ensembles
    """Mean courses of its movements."""


class Result(NamedTuple):
    """Answers of one model to one question, for S sessions of M movements, and P permutations."""

    hits: np.ndarray
    """Whether the movement was identified. Shape (S, M)."""

    r: np.ndarray
    """Correlation with the right candidate. Shape (S, M)."""

    wrong: np.ndarray
    """Mean correlation with wrong candidates. Shape (S, M)."""

    null: np.ndarray
    """Shares of hits with permuted movements. Shape (P,)."""

    null_margin: np.ndarray
    """Means of `r - wrong` with permuted movements. Shape (P,)."""


class PeopleResult(NamedTuple):
    """Answers over all pairs of recordings of a kind."""

    hits: int
    """Movements that were identified."""

    trials: int
    """Movements in all."""

    margin: float
    """Mean of the correlation with the right movement less those with wrong ones."""


def identify_all(
    simulated: np.ndarray, sessions: list[Session], permutations: int, rng: np.random.Generator
) -> dict[str, Result]:
    """Answers to both questions, beside a permutation null.

    Args:
        simulated: patterns of the movements. Shape (M, T, K).
        sessions: recorded ones.
        permutations: of the simulated movements; rotations are fitted anew for each.
        rng: draws the permutations.
    """
    orders = [rng.permutation(len(simulated)) for _ in range(permutations)]
    results = {}
    for question in QUESTIONS:
        hits, right, wrong = match(simulated, sessions, question)
        null = [match(simulated[order], sessions, question) for order in orders]
        shares = np.array([null_hits.mean() for null_hits, _, _ in null])
        margins = np.array([(null_right - null_wrong).mean() for _, null_right, null_wrong in null])
        results[question] = Result(hits, right, wrong, shares, margins)
    return results


def match(
    simulated: np.ndarray, sessions: list[Session], question: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compares every movement with all candidates.

    Args:
        simulated: patterns of the movements. Shape (M, T, K).
        sessions: recorded ones.
        question: of `QUESTIONS`.

    Returns:
        Whether the right candidate correlates most, its correlation, and the mean correlation with
        wrong ones. Shapes (S, M).
    """
    tests = []
    for session in sessions:
        pair = distinct(session.ensembles.values), distinct(simulated)
        if question == SIMULATED:
            pair = pair[::-1]
        tests.append(cross_validate_rotation(*pair, mirror=session.left))
    right = np.array([test.right for test in tests])
    wrong = np.array([test.wrong for test in tests])
    return right > wrong.max(axis=2), right, wrong.mean(axis=2)


def distinct(values: np.ndarray) -> np.ndarray:
    """Patterns without their mean over the movements. Shape (M, T, K)."""
    return values - values.mean(axis=0)


def identify_people(sessions: list[Session]) -> dict[str, PeopleResult]:
    """The same question between two recordings, by kind of pair."""
    pairs: dict[str, list[MovementTest]] = {}
    for first, second in itertools.permutations(sessions, 2):
        kind = SAME_PERSON if first.person == second.person else OTHER_PERSON
        values = [distinct(session.ensembles.values) for session in (first, second)]
        test = cross_validate_rotation(*values, mirror=first.left != second.left)
        pairs.setdefault(kind, []).append(test)
    return {kind: _people_result(tests) for kind, tests in pairs.items()}


def compressed(sessions: list[Session], compression: str) -> list[Session]:
    """The sessions with compressed amplitudes; `compression`: a name of `COMPRESSIONS`."""
    compress = COMPRESSIONS[compression]
    return [
        session._replace(
            ensembles=session.ensembles._replace(values=compress(session.ensembles.values))
        )
        for session in sessions
    ]


def people_by_compression(sessions: list[Session]) -> dict[str, PeopleResult]:
    """How well recordings of different people identify movements of each other, by compression;
    empty if there are no two people."""
    results = {
        name: identify_people(compressed(sessions, name)).get(OTHER_PERSON) for name in COMPRESSIONS
    }
    return {name: result for name, result in results.items() if result is not None}


def _people_result(tests: list[MovementTest]) -> PeopleResult:
    right = np.array([test.right for test in tests])
    wrong = np.array([test.wrong for test in tests])
    hits = int((right > wrong.max(axis=2)).sum())
    return PeopleResult(hits, right.size, float(right.mean() - wrong.mean()))
