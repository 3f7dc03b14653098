"""Which movement is which: patterns of electrodes over time, of a simulation and of people,
matched with each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from musclehand.emg.model.armband import Ensembles, MovementTest, cross_validate_rotation

QUESTIONS = ("movement recorded", "recording simulated")
OTHERS = "other person"

FLOOR = 0.02
"""Of an electrode's largest amplitude: quieter than this is as quiet as this to the logarithm."""


def logarithm(values: np.ndarray) -> np.ndarray:
    """Of amplitudes (M, T, K)."""
    floor = np.maximum(FLOOR * values.max(axis=(0, 1)), np.finfo(float).tiny)
    return np.log(np.maximum(values, floor))


def square_root(values: np.ndarray) -> np.ndarray:
    """Of amplitudes, which filters leave a little below 0 here and there."""
    return np.sqrt(np.maximum(values, 0.0))


COMPRESSIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "square root": square_root,
    "logarithm": logarithm,
    "none": np.asarray,
}
"""The first one where there are no two people to ask."""


class Session(NamedTuple):
    """One folder of recordings."""

    name: str
    person: str
    left: bool
    ensembles: Ensembles


class Result(NamedTuple):
    """Of one model and question: `hits` (S, M) found or not; `r`, `wrong` (S, M) correlations with
    the right candidate and, on average, with wrong ones; `null` (P,) shares found, `null_margin`
    (P,) mean of r - wrong, both by chance.
    """

    hits: np.ndarray
    r: np.ndarray
    wrong: np.ndarray
    null: np.ndarray
    null_margin: np.ndarray


def identify_all(
    simulated: np.ndarray, sessions: list[Session], permutations: int, rng: np.random.Generator
) -> dict[str, Result]:
    """Both questions: the candidates are simulated movements, or the recordings of a session."""
    orders = [rng.permutation(len(simulated)) for _ in range(permutations)]
    results = {}
    for question in QUESTIONS:
        hits, right, wrong = match(simulated, sessions, question)
        null = [match(simulated[order], sessions, question) for order in orders]
        shares = np.array([each[0].mean() for each in null])
        margins = np.array([(each[1] - each[2]).mean() for each in null])
        results[question] = Result(hits, right, wrong, shares, margins)
    return results


def match(
    simulated: np.ndarray, sessions: list[Session], question: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Found or not, correlation with the right candidate and mean of those with wrong ones. Each
    (S, M)."""
    found = []
    for session in sessions:
        pair = distinct(session.ensembles.values), distinct(simulated)
        if question == QUESTIONS[1]:
            pair = pair[::-1]
        found.append(cross_validate_rotation(*pair, mirror=session.left))
    right = np.array([each.right for each in found])
    wrong = np.array([each.wrong for each in found])
    return right > wrong.max(axis=2), right, wrong.mean(axis=2)


def distinct(values: np.ndarray) -> np.ndarray:
    """What is not the same in all movements. Shape (M, T, K)."""
    return values - values.mean(axis=0)


class PeopleResult(NamedTuple):
    """Of all pairs of recordings of a kind: `hits` found `of` so many, and `margin`, the mean of
    r - wrong."""

    hits: int
    of: int
    margin: float


def identify_people(sessions: list[Session]) -> dict[str, PeopleResult]:
    """The same between two recordings instead of simulation and recording, by kind of pair."""
    pairs: dict[str, list[MovementTest]] = {}
    for one, two in itertools.permutations(sessions, 2):
        kind = "same person" if one.person == two.person else OTHERS
        values = [distinct(each.ensembles.values) for each in (one, two)]
        pairs.setdefault(kind, []).append(
            cross_validate_rotation(*values, mirror=one.left != two.left)
        )
    return {kind: _people_result(tests) for kind, tests in pairs.items()}


def _people_result(tests: list[MovementTest]) -> PeopleResult:
    right = np.array([test.right for test in tests])
    wrong = np.array([test.wrong for test in tests])
    return PeopleResult(
        int((right > wrong.max(axis=2)).sum()), right.size, float(right.mean() - wrong.mean())
    )


def compressed(sessions: list[Session], compression: str) -> list[Session]:
    """The sessions with their amplitudes compressed."""
    found = []
    for session in sessions:
        values = COMPRESSIONS[compression](session.ensembles.values)
        found.append(session._replace(ensembles=session.ensembles._replace(values=values)))
    return found


def people_by_compression(sessions: list[Session]) -> dict[str, PeopleResult]:
    """How well different people's recordings tell movements of each other, by each of
    `COMPRESSIONS`.

    Empty where there are no two people.
    """
    found = {name: identify_people(compressed(sessions, name)).get(OTHERS) for name in COMPRESSIONS}
    return {name: result for name, result in found.items() if result is not None}
