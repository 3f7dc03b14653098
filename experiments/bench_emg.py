"""Simulated against recorded wrist movements: does a model's muscle pattern tell which movement was
recorded?

    python experiments/bench_emg.py myo-readings-dataset
    python experiments/bench_emg.py myo-readings-dataset --permutations 500 --out runs/emg

The data are sessions of an 8-channel armband (aljazfrancic/myo-readings-dataset, MIT): folders such
as 12345-1 with 1.txt to 7.txt, within folders whose names say right or left. Printed are how alike
recordings of two sessions are (the ceiling) and those of different movements (its null), the
armbands' rotations between wearers, and, for our hand and MyoHand, how often simulated and recorded
patterns of the same movement are most like each other. The rotation of each armband is fitted on
the other movements. The null exchanges the movements of the simulation and fits rotations anew.

Both hands are asked for the same postures, those in which the passive tissue of ours leaves a hand
at rest, and the fingers that a movement does not ask for.

Two questions are asked: which movement was recorded, among those simulated (the library's own,
`identify`); and which recording a simulated movement belongs to, among those of a session.

Patterns are compared after taking away their mean over the movements: what all movements share (the
rise at their beginning, an electrode that is always loud) says nothing about which one it is.
Before that amplitudes are compressed, by the square root, the logarithm or not at all: people
choose how hard they try, and a fist is louder than all else. Which of the three is not for the
simulation to say: it is the one by which recordings of different people agree best, found anew in
the data given; what the others give is printed as well.

Not all of this was settled before scores were seen. That the mean is taken away, one of six
variants, was chosen for telling recorded movements apart between people. Then the simulation was
corrected for reasons that have nothing to do with scores: the hand at rest was held by muscles
where a relaxed one is held by none; pronator teres lay where brachioradialis does; neighbouring
electrodes had next to nothing in common; fists closed on nothing; fingers kept their posture when
the wrist bent, so that a wrist was extended by the fingers' extensors. Sharing by cubes and
co-contraction of 0.05 were tried and left. Of 21 answers on three people (right/12345-1, 45612-1,
left/44444-1) our hand found 4 to 8 meanwhile, which is what 21 answers at chance do. Compression
was thought of last. The p-values account for none of it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import mujoco
import numpy as np
import tyro
from match_movements import (
    COMPRESSIONS,
    QUESTIONS,
    Result,
    Session,
    compressed,
    identify_all,
    identify_people,
    match,
    people_by_compression,
)
from scipy import stats

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import MusclehandError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.emg.comparison.identify import ceiling, select_movements
from musclehand.emg.comparison.sessions import find_sessions
from musclehand.emg.comparison.statistics import proportion_interval
from musclehand.emg.io.armband_file import read_armband_session
from musclehand.emg.io.simulated import SimulatedMuscles
from musclehand.emg.model.armband import cross_validate_rotation, find_rotation, movement_ensembles
from musclehand.emg.model.forearm import ARMBAND_DECAY, armband_electrodes, forearm_sources
from musclehand.emg.model.forward import ForwardConfig, mixing_matrix
from musclehand.emg.model.wrist_movements import MOVEMENTS_DEG, simulate_movement
from musclehand.emg.processing.envelope import EnvelopeConfig, smooth_simulated
from musclehand.validate.specimen import open_specimens

CONFIG = EnvelopeConfig(fs_out_hz=25.0)
MOVEMENTS = tuple(MOVEMENTS_DEG)
BEFORE = 1.0
AFTER = 7.0
REACTION = 0.3
"""Of a labelled onset [s]; people react 0.3 s after the label changes (median of this set)."""


@dataclass(frozen=True)
class Args:
    """Compare simulated with recorded wrist movements."""

    data: tyro.conf.Positional[Path]
    """folder of sessions, as deep in it as they like"""
    permutations: int = 100
    seed: int = 0
    out: Path | None = None
    """folder for results.json"""


def read_sessions(folder: Path) -> list[Session]:
    """All sessions with all seven movements, by side, then by name."""
    sessions = []
    for path in find_sessions(folder):
        try:
            recordings = read_armband_session(path)
            found = movement_ensembles(recordings, CONFIG, before=BEFORE, after=AFTER)
        except MusclehandError as error:
            print(f"left out: {error}")
            continue
        first = next(iter(recordings.values()))
        if set(MOVEMENTS) <= set(found.movements):
            left = first.channels[0].side is Side.LEFT
            sessions.append(
                Session(path.name, first.subject, left, select_movements(found, MOVEMENTS))
            )
        else:
            print(f"left out: {path}, which has only {', '.join(found.movements)}")
    if not sessions:
        raise SystemExit(f"{folder}: no session with all of {', '.join(MOVEMENTS)}")
    return sorted(sessions, key=lambda session: (session.left, session.name))


def simulate_model(name: str) -> np.ndarray:
    """What an armband would show of each movement, scaled as recordings are. Shape (M, T, 8)."""
    if name == "musclehand":
        model = load_hand(Side.RIGHT)
        hand = HandIndex.from_model(model, Side.RIGHT)
    else:
        specimen = open_specimens(name, side="right")[0]
        with silence_mujoco():
            model = lone_model(name)
        hand = HandIndex.from_model(model, Side.RIGHT, specimen.naming)
    times = {"before": 0.5 + BEFORE + REACTION, "hold": 5.0, "after": AFTER - 5.0}
    return armband_view(
        {movement: simulate_movement(model, hand, movement, **times) for movement in MOVEMENTS}
    )


def lone_model(name: str) -> mujoco.MjModel:
    """The right hand of a model that comes along, its elbow fixed."""
    from musclehand.body.build.hand_file import HandFile

    specimen = open_specimens(name, side="right")[0]
    assert specimen.spec is not None
    return HandFile(name, specimen.spec, specimen.naming).hand_spec(Side.RIGHT).compile()


def armband_view(courses: Mapping[str, SimulatedMuscles]) -> np.ndarray:
    """Amplitudes at eight electrodes: powers of muscles add up. `BEFORE` to `AFTER` the label.
    Shape (M, T, 8)."""
    heard = []
    for course in courses.values():
        sources = forearm_sources(course.muscles)
        gain = mixing_matrix(armband_electrodes(), sources, ForwardConfig(decay=ARMBAND_DECAY))
        columns = [course.muscles.index(source.name) for source in sources]
        heard.append(np.sqrt(np.square(course.values[:, columns]) @ np.square(gain.T)))
    rate = next(iter(courses.values())).fs_hz
    start = next(iter(courses.values())).start
    scale = np.percentile(np.concatenate(heard), 99, axis=0)
    first = round((0.5 - start) * CONFIG.fs_out_hz)
    rows = slice(first, first + round((BEFORE + AFTER) * CONFIG.fs_out_hz))
    return np.stack(
        [smooth_simulated(each, rate, CONFIG, scale=scale).values[rows] for each in heard]
    )


def print_ceilings(sessions: list[Session]) -> dict[str, list[float]]:
    """How alike recordings are, per channel and pooled, and how alike those of different
    movements."""
    kinds: dict[str, list[tuple[Session, Session]]] = {}
    found: dict[str, list[float]] = {}
    for one, two in itertools.combinations(sessions, 2):
        if one.left == two.left:
            kinds.setdefault(
                "same person" if one.person == two.person else "other person", []
            ).append((one, two))
    print(
        "\n| recordings | pairs | each channel over time | channels and time | another movement: each | pooled |"
    )
    print("|---|---|---|---|---|---|")
    for kind, pairs in kinds.items():
        parts = [ceiling(one.ensembles, two.ensembles) for one, two in pairs]
        cells = [
            np.concatenate([getattr(part, name).ravel() for part in parts])
            for name in parts[0]._fields
        ]
        middle = {
            name: np.nanpercentile(cell, [50, 5, 95])
            for name, cell in zip(parts[0]._fields, cells, strict=True)
        }
        found[kind] = [float(middle[name][0]) for name in parts[0]._fields]
        words = [f"{m:.2f} [{a:.2f}, {b:.2f}]" for m, a, b in middle.values()]
        print(f"| {kind} | {len(pairs)} | {words[0]} | {words[1]} | {words[2]} | {words[3]} |")
    return found


def print_rotations(sessions: list[Session]) -> None:
    """By how many electrodes armbands are turned against the first session, and what aligning
    them brings."""
    first = sessions[0]
    print(
        "\n| session | turned by | mirrored | right movement, as it is | aligned on others | wrong movements, aligned |"
    )
    print("|---|---|---|---|---|---|")
    for each in sessions[1:]:
        mirror = each.left != first.left
        rotation = find_rotation(first.ensembles.values, each.ensembles.values, mirror=mirror)
        plain = cross_validate_rotation(first.ensembles.values, each.ensembles.values, align=False)
        turned = cross_validate_rotation(
            first.ensembles.values, each.ensembles.values, mirror=mirror
        )
        r = [np.median(part) for part in (plain.right, turned.right, turned.wrong)]
        side = "yes" if rotation.mirrored else "no"
        print(f"| {each.name} | {rotation.shift} | {side} | {r[0]:.2f} | {r[1]:.2f} | {r[2]:.2f} |")


def choose_compression(sessions: list[Session]) -> str:
    """By which different people's recordings of a movement agree most beyond those of other
    movements."""
    results = people_by_compression(sessions)
    print(
        "\n| amplitudes compressed by | other people's movements found | r right - wrong |\n|---|---|---|"
    )
    for name, result in results.items():
        print(f"| {name} | {result.hits} of {result.of} | {result.margin:.3f} |")
    return (
        max(results, key=lambda name: results[name].margin) if results else next(iter(COMPRESSIONS))
    )


def print_compressions(
    simulated: Mapping[str, np.ndarray], sessions: list[Session], chosen: str
) -> None:
    """What each model would find by each compression; the one that people's recordings chose is
    marked."""
    print(
        "\n| found, margin | "
        + " | ".join(f"{name}: {q}" for name in simulated for q in QUESTIONS)
        + " |"
    )
    print("|---|" + "---|" * (len(simulated) * len(QUESTIONS)))
    for compression, compress in COMPRESSIONS.items():
        cells = []
        alike = compressed(sessions, compression)
        for values in simulated.values():
            for question in QUESTIONS:
                hits, right, wrong = match(compress(values), alike, question)
                cells.append(f"{hits.sum()} of {hits.size}, {(right - wrong).mean():.2f}")
        print(
            f"| {compression}{' (chosen)' if compression == chosen else ''} | {' | '.join(cells)} |"
        )


def print_models(
    results: Mapping[str, Mapping[str, Result]], sessions: list[Session], rng: np.random.Generator
) -> None:
    """Shares found, with intervals over people, the null, and every movement by itself."""
    chance = 1 / len(MOVEMENTS)
    people = sorted({session.person for session in sessions})
    print(
        f"\nChance {chance:.3f}; {len(sessions)} sessions of {len(people)} people, {len(MOVEMENTS)} movements each.\n"
    )
    print(
        "| question | hand | found | Wilson 95 % | over people 95 % | null, 95th percentile | p | r right | r wrong |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    groups = [
        [i for i, session in enumerate(sessions) if session.person == person] for person in people
    ]
    drawn = [
        np.concatenate([groups[g] for g in rng.integers(len(groups), size=len(groups))])
        for _ in range(2000)
    ]
    for question in QUESTIONS:
        for name, found in results.items():
            result = found[question]
            low, high = proportion_interval(int(result.hits.sum()), result.hits.size)
            spread = np.percentile([result.hits[rows].mean() for rows in drawn], [2.5, 97.5])
            p = share_above(result.null, result.hits.mean())
            p_r = share_above(result.null_margin, (result.r - result.wrong).mean())
            shares = f"{result.hits.mean():.3f} | {low:.2f} to {high:.2f} | {spread[0]:.2f} to {spread[1]:.2f}"
            r = f"{result.r.mean():.2f} | {result.wrong.mean():.2f} | {p_r:.3f}"
            print(
                f"| {question} | {name} | {shares} | {np.percentile(result.null, 95):.3f} | {p:.3f} | {r} |"
            )
    for kind, (hits, of, margin) in identify_people(sessions).items():
        low, high = proportion_interval(hits, of)
        share = f"{hits / of:.3f} | {low:.2f} to {high:.2f}"
        print(
            f"| either | recording of {kind} instead | {share} | | | | {margin:.2f} more than wrong | |"
        )
    print_movements(results, len(sessions))


def share_above(null: np.ndarray, seen: float) -> float:
    """p: how often chance gives as much, what was seen counted in."""
    return float((np.sum(null >= seen - 1e-12) + 1) / (len(null) + 1))


def print_movements(results: Mapping[str, Mapping[str, Result]], sessions: int) -> None:
    """Every movement by itself, and whether one hand finds more of them than the other."""
    heads = [f"{name}: {question}" for question in QUESTIONS for name in results]
    print(
        f"\n| found of {sessions} | "
        + " | ".join(heads)
        + " | "
        + " | ".join(f"r, {name}" for name in results)
        + " |"
    )
    print("|---|" + "---|" * (len(heads) + len(results)))
    for k, movement in enumerate(MOVEMENTS):
        cells = [
            str(found[question].hits[:, k].sum())
            for question in QUESTIONS
            for found in results.values()
        ]
        cells += [f"{np.median(found[QUESTIONS[0]].r[:, k]):.2f}" for found in results.values()]
        print(f"| {movement} | {' | '.join(cells)} |")
    names = list(results)
    print()
    for question in QUESTIONS:
        one, two = (results[name][question].hits.ravel() for name in names[:2])
        better = int((one & ~two).sum())
        worse = int((two & ~one).sum())
        p = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
        print(
            f"{question}: by {names[0]} alone {better}, by {names[1]} alone {worse} (exact McNemar p = {p:.3f})"
        )


def main(args: Args) -> None:
    """Reads, simulates, compares, prints."""
    rng = np.random.default_rng(args.seed)
    sessions = read_sessions(args.data)
    ceilings = print_ceilings(sessions)
    print_rotations(sessions)
    simulated = {name: simulate_model(name) for name in ("musclehand", "myohand")}
    chosen = choose_compression(sessions)
    print_compressions(simulated, sessions, chosen)
    alike = compressed(sessions, chosen)
    results = {
        name: identify_all(COMPRESSIONS[chosen](values), alike, args.permutations, rng)
        for name, values in simulated.items()
    }
    print_models(results, alike, rng)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        hands = {
            name: {
                question: {key: x.tolist() for key, x in each._asdict().items()}
                for question, each in found.items()
            }
            for name, found in results.items()
        }
        whole = {
            "movements": MOVEMENTS,
            "compression": chosen,
            "sessions": [s.name for s in sessions],
            "envelope": asdict(CONFIG),
        }
        text = json.dumps(whole | {"ceilings": ceilings, "hands": hands}, indent=1)
        (args.out / "results.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
