"""Independence of the fingers, of the hand as it is and with enslaving, beside people.

    python experiments/bench_independence.py
    python experiments/bench_independence.py --results
    python experiments/bench_independence.py --clips performances --every 3 --results

Fingers press alone and together, are moved from outside, and move alone while the others are to
stay (`musclehand.body.analysis.independence`). Then pieces are played, and the MIDI files of a
folder, with and without enslaving (`--condition enslaving`). The figures of each performance stay
on file in the output folder and are not computed again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import mujoco
import numpy as np

from harness.kept_results import keep_results
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.analysis.behaviour import data_at, prepared_copy, rest_angles
from musclehand.body.analysis.independence import (
    FINGERS,
    Individuation,
    enslaving_matrix,
    force_deficit,
    individuation,
    movement_slopes,
    pad_forces,
    passive_slopes,
    pressing,
    traction,
)
from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, INDEPENDENT_JOINTS, Side, digit_joints
from musclehand.body.build.hand import load_hand
from musclehand.body.build.table_rows import HandTables
from musclehand.body.build.tables import load_tables
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.mixing import DriveMixer
from musclehand.body.hand_index import HandIndex
from musclehand.control.tracking import TrackingResult, track
from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.time_steps import CONTROL_DT, SIM_STEPS
from musclehand.music.repertoire import load_piece
from musclehand.music.sources import load_score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings

TITLE = "Independence of the fingers"

PROSE = """\
The hand is as independent as its muscles, unless it is played with `--condition enslaving`
(`musclehand.body.conditions.enslaving`): the slips of FDP, FDS and EDC then share drive, and bands
couple neighbouring tendons. Shares of force are those of a finger's own single maximum, with
fingertips pinned in the rest posture."""

HEALTHY = "independent"
ENSLAVED = "enslaving"

PUBLISHED_INDEX = {
    "thumb": (0.983, 0.994),
    "index": (0.982, 0.967),
    "middle": (0.937, 0.941),
    "ring": (0.907, 0.908),
    "little": (0.943, 0.943),
}
"""Individuation and stationarity index of ten adults, right hand, about 2 Hz (Häger-Ross & Schieber
2000, J Neurosci 20:8542, tables 1 and 2, quoted)."""

PUBLISHED_SHARE = (0.109, 0.547)
"""Least and largest share of slave fingers (Zatsiorsky, Li & Latash 1998, abstract)."""

PUBLISHED_DEFICIT = "0.3 to 0.6 for four fingers"
"""Force deficit (Li, Latash & Zatsiorsky 1998, recalled)."""

PUBLISHED_TRACTION = {("EDC2", 3): "0.32"}
"""Extension of the finger at the MCP joint by a pull at EDC2, over the most that it is capable of
(von Schroeder & Botte 1993, abstract)."""

FREQUENCY = 2.0
"""[Hz] of a moving digit, about the pace that people choose in such tests."""

AMPLITUDE = np.deg2rad(12.0)
"""[rad] of each flexion joint of a moving digit; chosen."""

CYCLES = 4
"""Of a moving digit, after half a second at rest."""

PIECES = (
    "ode_to_joy",
    "minuet_in_g",
    "bach_prelude_in_c",
    "fuer_elise",
    "clementi_sonatina",
    "arabesque",
    "trill_study",
    "entertainer",
)

SECONDS = 20.0
"""[s] of each piece and clip that are played."""

SCORES = ("onset_f1_50ms", "frame_f1_micro")
"""Figures of a performance."""

CONTROLLERS = {"muscle": "computed muscle control", "policy": "tracking policy"}


@dataclass(frozen=True)
class Args:
    """What to measure and where to keep the results."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`; their first 20 s are played."""

    controllers: tuple[str, ...] = ("muscle", "policy")
    """Names of the players, one or more of `CONTROLLERS`."""

    clips: Path | None = None
    """Folder of MIDI files to play as well."""

    every: int = 1
    """Play every n-th MIDI file of the folder, in the order of their names."""

    policy: Path | None = None
    """JSON file of a tracking policy; the bundled one by default."""

    out: Path = Path("runs/bench_independence")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page."""


class Hand(NamedTuple):
    """A hand alone, compiled."""

    tables: HandTables
    """Its tables."""

    model: mujoco.MjModel
    """The model."""

    index: HandIndex
    """Its parts."""


def main(args: Args) -> None:
    """Measures, plays, and prints the tables.

    Raises:
        InvalidValue: the folder of clips has no MIDI files.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    hands = {HEALTHY: open_hand(None), ENSLAVED: open_hand(ENSLAVED)}
    body = "\n\n".join(
        [
            PROSE,
            "## Pressing",
            press_table(hands),
            deficit_table(hands),
            "## Moving",
            f"{MOVING_PROSE}\n\n{movement_table(hands)}",
            traction_table(hands),
            "## At the piano",
            "Onset F1 (50 ms), then frame F1. "
            + "\n".join(PIANO_PROSE[name] for name in args.controllers if name in PIANO_PROSE),
            piano_table(args),
        ]
    )
    print(body)
    write_file(args.out / "independence.md", body)
    if args.results:
        write_results_page("independence", TITLE, command_of(__file__, args), body)


MOVING_PROSE = f"""\
One digit flexes and extends by {np.rad2deg(AMPLITUDE):.0f} degrees at each joint and
{FREQUENCY:g} Hz by computed muscle control, the others are to stay. Individuation index (how still
the others stay), then stationarity index (how still the digit stays while others move); 1 is
perfect. "Unaware" is a control that commands as if there were no shared drive, but feels what comes
of it 125 times a second and without delay. "Uncorrected" has the activations that move a digit of
the independent hand, and no feedback. "Relaxed" is a hand without activation, one of whose fingers
is moved from outside: in people about as independent as an active one (Lang & Schieber 2004,
abstract)."""

PIANO_PROSE = {
    "muscle": "Computed muscle control plans through the shared drive.",
    "policy": "The tracking policy was trained without it: to the policy it is a disturbance.",
}
"""What each controller knows of enslaving."""


def open_hand(condition: str | None) -> Hand:
    """The right hand, healthy or with a condition."""
    tables = load_tables()
    if condition is not None:
        tables = apply_condition(tables, find_condition(condition))
    model = load_hand(Side.RIGHT, tables=tables)
    return Hand(tables, model, HandIndex.from_model(model, Side.RIGHT))


def press_table(hands: dict[str, Hand]) -> str:
    """Forces of single fingers, and what the others do meanwhile."""
    head = ["finger presses alone", "force N", *(f"{finger} follows" for finger in FINGERS)]
    rows = []
    for name, hand in hands.items():
        pressed = pressing(hand.model, hand.index, rest_angles(hand.model, hand.index))
        shares = enslaving_matrix(pressed, hand.tables.drives)
        for column, finger in enumerate(FINGERS):
            forces = pad_forces(pressed, hand.tables.drives, np.eye(len(FINGERS))[column])
            cells = ["" if row == column else f"{shares[row, column]:.2f}" for row in range(4)]
            rows.append([f"{finger}, {name}", f"{forces[column]:.1f}", *cells])
    low, high = PUBLISHED_SHARE
    people = f"{low:g} to {high:g}"
    rows.append(["people (Zatsiorsky 1998, abstract)", "", *[people] * len(FINGERS)])
    return markdown_table(head, rows)


def deficit_table(hands: dict[str, Hand]) -> str:
    """Force deficit by the number of fingers."""
    rows = []
    for name, hand in hands.items():
        pressed = pressing(hand.model, hand.index, rest_angles(hand.model, hand.index))
        deficits = force_deficit(pressed, hand.tables.drives)
        rows.append([name, *(f"{deficit:.2f}" for deficit in deficits)])
    rows.append(["people (Li 1998, recalled)", "", "", PUBLISHED_DEFICIT])
    return markdown_table(["force deficit", "2 fingers", "3 fingers", "4 fingers"], rows)


def movement_table(hands: dict[str, Hand]) -> str:
    """Individuation and stationarity, active and relaxed."""
    healthy, enslaved = hands[HEALTHY], hands[ENSLAVED]
    columns = {
        HEALTHY: individuation(active_slopes(healthy)),
        ENSLAVED: individuation(active_slopes(enslaved)),
        f"{ENSLAVED}, unaware": individuation(active_slopes(enslaved, aware=False)),
        f"{ENSLAVED}, uncorrected": individuation(uncorrected_slopes(healthy, enslaved)),
        f"{HEALTHY}, relaxed": individuation(passive_slopes(healthy.model, healthy.index)),
        f"{ENSLAVED}, relaxed": individuation(passive_slopes(enslaved.model, enslaved.index)),
    }
    people = Individuation(*np.array([PUBLISHED_INDEX[digit] for digit in DIGITS]).T)
    columns["people (Häger-Ross 2000, quoted)"] = people
    rows = [
        [digit, *(f"{c.individuation[i]:.3f}, {c.stationarity[i]:.3f}" for c in columns.values())]
        for i, digit in enumerate(DIGITS)
    ]
    return markdown_table(["digit", *columns], rows)


def active_slopes(hand: Hand, *, aware: bool = True) -> np.ndarray:
    """Movement of each digit (row) while one (column) moves and the others are to stay.

    Args:
        hand: with or without shared drive.
        aware: whether the control knows of it.

    Returns:
        Shape (5, 5).
    """
    columns = [
        movement_slopes(hand.index, follow(hand, digit, aware=aware).angles, digit)
        for digit in DIGITS
    ]
    return np.stack(columns, axis=1)


def uncorrected_slopes(healthy: Hand, enslaved: Hand) -> np.ndarray:
    """As `active_slopes`, but the enslaved hand gets the activations that move a digit of the
    independent one, mixed, and nothing corrects what comes of them. Shape (5, 5)."""
    model, index = enslaved.model, enslaved.index
    mixer = DriveMixer(index.muscle_names, enslaved.tables.drives)
    columns = []
    for digit in DIGITS:
        activations = follow(healthy, digit).activations
        assert activations is not None
        twin = prepared_copy(model, dt=CONTROL_DT / SIM_STEPS, gravity=False)
        twin.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
        data = data_at(twin, index, rest_angles(model, index))
        angles = []
        for commands in 0.5 * (activations[:-1] + activations[1:]):
            data.act[index.act] = data.ctrl[index.muscles] = mixer.mix(commands)
            mujoco.mj_step(twin, data, nstep=SIM_STEPS)
            angles.append(index.angles(data))
        columns.append(movement_slopes(index, np.array(angles), digit))
    return np.stack(columns, axis=1)


def follow(hand: Hand, digit: str, *, aware: bool = True) -> TrackingResult:
    """One digit moves at all its joints by computed muscle control, the others are to stay.

    Args:
        hand: that moves.
        digit: one of `DIGITS`.
        aware: whether the control knows of shared drive.
    """
    index = hand.index
    relaxed = dict(zip(index.joints, rest_angles(hand.model, index), strict=True))
    start = np.array([relaxed[joint] for joint in INDEPENDENT_JOINTS])
    time = np.arange(0.0, 0.5 + CYCLES / FREQUENCY, CONTROL_DT)
    phase = 2.0 * np.pi * FREQUENCY * np.maximum(time - 0.5, 0.0)
    own = [name for name in digit_joints(digit) if name.endswith("flexion")]
    # The thumb's base stays; its two outer joints flex towards negative angles.
    moves = np.array([float(name in own and name[:3] != "cmc") for name in INDEPENDENT_JOINTS])
    size = AMPLITUDE * moves * (-1.0 if digit == "thumb" else 1.0)
    return track(
        hand.model,
        index,
        start + (1.0 - np.cos(phase))[:, None] * size,
        2.0 * np.pi * FREQUENCY * np.sin(phase)[:, None] * size,
        drives=hand.tables.drives,
        aware=aware,
    )


def traction_table(hands: dict[str, Hand]) -> str:
    """What a pull at one tendon of EDC does to the neighbours' MCP joints."""
    rows = []
    for number in FINGER_NUMBERS:
        for neighbour in (number - 1, number + 1):
            if neighbour in FINGER_NUMBERS:
                shares = [f"{passed_on(hand, number, neighbour):.2f}" for hand in hands.values()]
                published = PUBLISHED_TRACTION.get((f"EDC{number}", neighbour), "")
                name = f"EDC{number}, {DIGITS[neighbour - 1]}"
                rows.append([name, *shares, published])
    head = ["pull at, extends", *hands, "people (von Schroeder & Botte 1993, abstract)"]
    return markdown_table(head, rows)


def passed_on(hand: Hand, number: int, neighbour: int) -> float:
    """Extension of a finger's MCP joint by a pull at another's tendon, over that by its own."""
    joint = hand.index.joints.index(f"mcp{neighbour}_flexion")
    by_other, by_own = (
        traction(hand.model, hand.index, f"EDC{finger}")[joint] for finger in (number, neighbour)
    )
    return round(float(by_other / by_own), 2) + 0.0


def piano_table(args: Args) -> str:
    """Pieces and clips with and without enslaving.

    Raises:
        UnknownName: there is no such controller.
        InvalidValue: the folder of clips has no MIDI files.
    """
    sources = [*args.pieces, *(str(path) for path in clip_files(args))]
    for controller in args.controllers:
        if controller not in CONTROLLERS:
            raise UnknownName("controller", controller, CONTROLLERS)
    hands = (HEALTHY, ENSLAVED)
    columns = [(controller, hand) for controller in args.controllers for hand in hands]
    paths = {
        (source, controller, hand): args.out / f"{Path(source).stem}_{controller}_{hand}.json"
        for source in sources
        for controller, hand in columns
    }
    policy = None if args.policy is None else str(args.policy)
    results = keep_results(paths, play_one, policy, workers=args.workers, description="playing")
    clips = [source for source in sources if source not in args.pieces]
    groups = {f"**{len(args.pieces)} pieces, mean**": list(args.pieces)}
    if clips:
        groups[f"**{len(clips)} clips of people, mean**"] = clips
    rows = [
        [name, *(_scores([results[(s, *column)] for s in group]) for column in columns)]
        for name, group in [*((piece, [piece]) for piece in args.pieces), *groups.items()]
    ]
    head = [f"{CONTROLLERS[controller]}, {hand}" for controller, hand in columns]
    return markdown_table(["piece", *head], rows)


def clip_files(args: Args) -> list[Path]:
    """The MIDI files to play.

    Raises:
        InvalidValue: the folder has none.
    """
    if args.clips is None:
        return []
    files = sorted(args.clips.glob("*.mid"))[:: args.every]
    if not files:
        raise InvalidValue("clips", str(args.clips), "a folder with MIDI files (*.mid)")
    return files


def play_one(source: str, controller: str, hand: str, policy: str | None = None) -> dict[str, Any]:
    """Scores of one performance.

    Args:
        source: a piece of the repertoire, or a MIDI file.
        controller: one of `CONTROLLERS`.
        hand: `HEALTHY` or `ENSLAVED`.
        policy: file of the tracking policy; None: the bundled one.
    """
    score = load_score(source) if source.endswith(".mid") else load_piece(source)
    design = None
    if hand == ENSLAVED:
        design = apply_condition(load_tables(), find_condition(ENSLAVED))
    own = policy if controller == "policy" else None
    settings = PlayerSettings(controller=controller, design=design, policy=own, processes=1)
    result = perform(score.clip(0.0, SECONDS), settings)
    return {**result.metrics.as_dict(), "wall_s": result.wall_s, "duration_s": result.duration_s}


def _scores(rows: list[dict[str, Any]]) -> str:
    means = [float(np.mean([row[key] for row in rows])) for key in SCORES]
    return ", ".join(f"{mean:.3f}" for mean in means)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
