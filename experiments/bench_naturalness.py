"""Naturalness of the motion: smoothness, individuation, use of the range, co-contraction, depth.

    python experiments/bench_naturalness.py
    python experiments/bench_naturalness.py --recordings long/recording.h5 --out runs/long

Plays the beginnings of pieces, or takes recordings, and measures each hand's clip
(`motion.naturalness` defines the measures; a piece has the mean of its hands). Leaves `table.md`
and `naturalness.png`; recordings on file are not made again. Human values stand below the table as
far as there are any; those not read in their source are marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.core.atomic import temporary_path, write_file
from musclehand.core.recording_reader import Recording
from musclehand.corpus.record import cut_clips
from musclehand.motion.clip import MotionClip
from musclehand.motion.naturalness import Naturalness, measure_naturalness
from musclehand.music.repertoire import load_piece
from musclehand.performance.perform import perform
from musclehand.sim.penetration import PenetrationReport, measure_penetration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Naturalness of the motion"

PROSE = """\
Smoothness, individuation of fingers, use of the range of motion, co-contraction and penetration
in eight pieces. `musclehand.motion.naturalness` defines the measures."""

PIECES = (
    "twinkle_twinkle",
    "ode_to_joy",
    "minuet_in_g",
    "bach_prelude_in_c",
    "fuer_elise",
    "clementi_sonatina",
    "arabesque",
    "trill_study",
)

GROUPS = {
    "wrist": ("deviation", "flexion"),
    "MCP": tuple(f"mcp{i}_flexion" for i in range(2, 6)),
    "PIP": tuple(f"pm{i}_flexion" for i in range(2, 6)),
    "thumb": ("cmc_flexion", "cmc_abduction", "mp_flexion", "ip_flexion"),
}
"""Groups of joints, whose mean a cell of the table shows."""

HUMANS = """\
For comparison: a single minimum-jerk movement has a log dimensionless jerk of -5.32 (closed
form). People asked to move one finger and keep the others still reach individuation indices of
0.85 to 0.98, thumb and index highest, ring lowest (recalled: Häger-Ross & Schieber 2000, J
Neurosci 20:8542; of joint angles). Pianists' idle fingers move along in patterns that depend on
the passage (Furuya, Flanders & Soechting 2011, J Neurophysiol 106:2849, abstract), as much at
high tempo as at low (Furuya & Soechting 2012, J Neurophysiol 108:2060, abstract); with rising
tempo experts co-activate finger muscles less than amateurs do (Furuya et al. 2011, Front Hum
Neurosci 5:50, abstract). No human figure for range use or co-contraction was found that is
defined as here."""


@dataclass(frozen=True)
class Args:
    """What to measure and where to keep the results."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    recordings: tuple[Path, ...] = ()
    """Recordings to measure in place of the pieces."""

    seconds: float = 15.0
    """Of each piece, from its beginning."""

    out: Path = Path("runs/bench_naturalness")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


@dataclass(frozen=True)
class Piece:
    """The measurements of one recording."""

    clips: tuple[MotionClip, ...]
    """Motion of each hand."""

    hands: tuple[Naturalness, ...]
    """Figures of each hand."""

    depth: PenetrationReport
    """Penetration of hands into keys and each other."""


def main(args: Args) -> None:
    """Plays what has not been played yet, measures, prints the table and draws the figure."""
    args.out.mkdir(parents=True, exist_ok=True)
    paths = {path.parent.name: path for path in args.recordings} or {
        name: recorded(name, args) for name in args.pieces
    }
    pieces = {name: measure(name, path) for name, path in paths.items()}
    table = f"{render_table(pieces)}\n\n{HUMANS}"
    print(table)
    write_file(args.out / "table.md", table)
    draw(pieces).savefig(args.out / "naturalness.png", dpi=110)
    if args.results:
        body = f"{PROSE}\n\n{table}"
        write_results_page("naturalness", TITLE, command_of(__file__, args), body)


def recorded(name: str, args: Args) -> Path:
    """The recording of a piece's beginning, made unless it is there."""
    path = args.out / f"{name}_{args.seconds:g}.h5"
    if not path.exists():
        with temporary_path(path) as part:
            perform(load_piece(name).clip(0.0, args.seconds), record=part)
    return path


def measure(name: str, path: Path) -> Piece:
    """Every hand of a recording."""
    with Recording.open(path) as recording:
        clips = tuple(cut_clips(recording, name, kind="played", pattern=name, source={}))
    # A clip has both hands' joints in the sense of the right one, so that one model serves for
    # both.
    model = load_hand(Side.RIGHT)
    hand = HandIndex.from_model(model, Side.RIGHT)
    return Piece(
        clips,
        tuple(measure_naturalness(clip, model, hand) for clip in clips),
        measure_penetration(path),
    )


def group_mean(values: np.ndarray, group: str) -> float:
    """Mean over a group's joints, NaN left out."""
    return float(np.nanmean(values[[HAND_JOINTS.index(joint) for joint in GROUPS[group]]]))


def row_of(piece: Piece) -> list[float]:
    """The figures of a piece in the order of the table."""
    hands = piece.hands
    jerks = [hand.log_jerk for hand in hands if hand.log_jerk is not None]
    arcs = [hand.spectral_arc for hand in hands if hand.spectral_arc is not None]
    alone = [
        float(np.nanmean(hand.individuation))
        for hand in hands
        if np.isfinite(hand.individuation).any()
    ]
    ranges = [[group_mean(hand.range_use, group) for hand in hands] for group in GROUPS]
    balance = [
        [group_mean(hand.cocontraction, group) for hand in hands if hand.cocontraction is not None]
        for group in GROUPS
    ]
    depth = piece.depth
    fingers = max(depth.same_hand.largest, depth.other_hand.largest)
    return [
        mean_or_nan(jerks),
        mean_or_nan(arcs),
        mean_or_nan(alone),
        *(float(np.mean(values)) for values in (*ranges, *balance)),
        1e3 * depth.keys.largest,
        1e3 * fingers,
    ]


def mean_or_nan(values: list[float]) -> float:
    """Mean of some figures, NaN if there are none."""
    return float(np.mean(values)) if values else float("nan")


def render_table(pieces: dict[str, Piece]) -> str:
    """The table in Markdown with its means."""
    names = ", ".join(GROUPS)
    head = (
        "piece",
        "strokes",
        "log jerk",
        "spectral arc",
        "individuation",
        f"range used, {names} [%]",
        f"co-contraction, {names} [%]",
        "depth mm keys, fingers",
    )
    figures = {name: row_of(piece) for name, piece in pieces.items()}
    strokes = {
        name: str(sum(hand.strokes for hand in piece.hands)) for name, piece in pieces.items()
    }
    means = np.ma.masked_invalid(list(figures.values())).mean(axis=0)
    figures["**mean**"] = means.filled(np.nan).tolist()
    count = len(GROUPS)
    rows = []
    for name, (jerk, arc, alone, *fields) in figures.items():
        ranges, balance = fields[:count], fields[count : 2 * count]
        shares = [", ".join(f"{100 * v:.0f}" for v in values) for values in (ranges, balance)]
        depth = f"{fields[-2]:.1f}, {fields[-1]:.1f}"
        rows.append(
            [
                name,
                strokes.get(name, ""),
                f"{jerk:.1f}",
                f"{arc:.2f}",
                f"{alone:.2f}",
                *shares,
                depth,
            ]
        )
    return markdown_table(head, rows)


def draw(pieces: dict[str, Piece]) -> Figure:
    """Fingertip heights of one passage, and each measure by digit or joint over all pieces."""
    figure = Figure(figsize=(11.0, 7.5), layout="constrained")
    heights, alone, ranges, balance = figure.subplots(2, 2).ravel()
    clip = next(iter(pieces.values())).clips[0]
    rows = slice(int(1.0 / clip.dt), int(5.0 / clip.dt))
    time = np.arange(clip.frames)[rows] * clip.dt
    for digit, name in enumerate(DIGITS):
        heights.plot(time, 1e3 * clip.fingertips[rows, digit, 2], label=name, linewidth=1.1)
    heights.set(title="Fingertips over the white keys, one hand", xlabel="s", ylabel="mm")
    heights.legend(
        fontsize=8, frameon=False, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.14)
    )
    hands = [hand for piece in pieces.values() for hand in piece.hands]
    _bars(
        alone,
        DIGITS,
        np.array([hand.individuation for hand in hands]),
        "Individuation by the digit that plays",
    )
    _bars(
        ranges,
        HAND_JOINTS,
        np.array([hand.range_use for hand in hands]),
        "Share of the range of motion, 5-95 %",
    )
    torque = np.array([hand.cocontraction for hand in hands if hand.cocontraction is not None])
    _bars(balance, HAND_JOINTS, torque, "Co-contraction")
    return figure


def _bars(axes: Axes, names: tuple[str, ...], values: np.ndarray, title: str) -> None:
    """Means as bars, each hand of each piece as a dot."""
    places = np.arange(len(names))
    axes.bar(
        places, np.ma.masked_invalid(values).mean(axis=0).filled(0.0), color="#0072B2", alpha=0.5
    )
    axes.plot(places, values.T, ".", color="#333333", markersize=3)
    axes.set_xticks(places, names, rotation=90 if len(names) > len(DIGITS) else 0, fontsize=8)
    axes.set(title=title, ylim=(0.0, 1.0))


if __name__ == "__main__":
    run_script(main, Args, __doc__)
