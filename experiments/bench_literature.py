"""Plays the piano literature: any folder of MIDI or MusicXML files, by four players on one plan.

    python experiments/bench_literature.py FOLDER
    python experiments/bench_literature.py FOLDER --clip 0 20 --limit 24 --rehearsals 2
    python experiments/bench_literature.py --maestro maestro-v3.0.0 --results

The players are the plan itself, rigid hands that are moved exactly along its reference, ideal joint
torques, and muscles; what each loses shows the stage at which it is lost, and every lost note gets
a cause (`musclehand.performance.causes`). Folders are searched with all below them; in ASAP's
layout the written piece and its performances are told apart. `--maestro` takes the test split of
MAESTRO v3, 30 s of each piece, for which figures are published. Results of each piece are kept in
the output folder, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from threadpoolctl import threadpool_limits

from harness.kept_results import keep_results
from harness.literature import (
    FIGURES,
    MAESTRO_CLIP,
    PERFORMANCE,
    SCORE,
    Piece,
    figures,
    find_maestro,
    find_pieces,
    means,
)
from harness.results_page import cells_table, markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.music.score import keyboard_score
from musclehand.music.sources import load_score
from musclehand.performance.causes import CAUSES, KINDS, find_causes
from musclehand.performance.options import MOST_REHEARSALS
from musclehand.performance.perform import practise
from musclehand.performance.players import PlanPlayer
from musclehand.performance.settings import PlayerSettings
from musclehand.performance.stages import (
    PLAN,
    RIGID,
    TORQUE,
    HandsOnKeys,
    play_stages,
    play_track,
)

MUSCLE = "muscle"

PLAYERS = {
    PLAN: "plan",
    RIGID: "rigid hands",
    TORQUE: "ideal torques",
    MUSCLE: "muscles",
}
"""Players by name, in order, and as tables show them."""

DENSE = 13.0
"""[1/s] notes a second above which a piece counts as dense."""

PUBLISHED_MEAN = 0.605
"""Frame F1, mean over steps, on MAESTRO's test split: a planner over robot hands, zero shot."""

WORDS = {"missed": "Missed notes", "extra": "Extra notes", "short": "Keys let go early"}
"""Kinds of lost notes as headings."""

Row = dict[str, Any]
"""Results of one piece; with `error` where it could not be played."""


@dataclass(frozen=True)
class Args:
    """What to play."""

    folder: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")]] = None
    """Folder of MIDI and MusicXML files."""

    maestro: Path | None = None
    """Folder of MAESTRO v3, with maestro-v3.0.0.csv, in place of FOLDER."""

    clip: tuple[float, float] | None = None
    """Part of each piece [s]; all of it by default, 0 30 with --maestro."""

    kind: str = "all"
    """all, performance or score: pieces as recorded, or as written."""

    every: int = 1
    """Take every so many pieces, by name."""

    limit: int | None = None
    """Pieces at most."""

    players: tuple[str, ...] = tuple(PLAYERS)
    """plan, rigid, torque, muscle; causes need all."""

    rehearsals: int = 0
    """Runs of the muscles before the one that counts; all players follow the plan after them."""

    out: Path = Path("runs/bench_literature")
    """Folder of results, a file for each piece and its options."""

    processes: int = os.cpu_count() or 1
    """Pieces played at a time."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Plays, prints, writes.

    Raises:
        InvalidValue, UnknownName: an option is out of range.
        FileError: there is no music.
    """
    _check(args)
    pieces = chosen_pieces(args)
    args.out.mkdir(parents=True, exist_ok=True)
    clip = args.clip or (MAESTRO_CLIP if args.maestro else None)
    jobs = {
        (*piece, clip, args.players, args.rehearsals): args.out / _file_name(piece, clip, args)
        for piece in pieces
    }
    kept = keep_results(jobs, play_piece, workers=args.processes, description="plays")
    rows = {job[0]: row for job, row in kept.items()}
    body = page(rows, args)
    Console().print(body, markup=False, soft_wrap=True)
    if args.results:
        title = "The piano literature"
        write_results_page("literature", title, command_of(__file__, args), body)


def _check(args: Args) -> None:
    if (args.folder is None) == (args.maestro is None):
        given = "neither" if args.folder is None else "both"
        raise InvalidValue("music", given, "a folder, or --maestro and its folder")
    for player in args.players:
        if player not in PLAYERS:
            raise UnknownName("player", player, tuple(PLAYERS))
    if args.kind not in ("all", PERFORMANCE, SCORE):
        raise UnknownName("kind", args.kind, ("all", PERFORMANCE, SCORE))
    if not 0 <= args.rehearsals <= MOST_REHEARSALS:
        raise InvalidValue("rehearsals", args.rehearsals, f"0 to {MOST_REHEARSALS}")
    for name, value in (
        ("every", args.every),
        ("limit", args.limit),
        ("processes", args.processes),
    ):
        if value is not None and value < 1:
            raise InvalidValue(name, value, "1 or more")


def chosen_pieces(args: Args) -> list[Piece]:
    """The pieces to play, by name."""
    if args.maestro is not None:
        pieces = find_maestro(args.maestro)
    else:
        assert args.folder is not None
        pieces = find_pieces(args.folder)
    if args.kind != "all":
        pieces = [piece for piece in pieces if piece.kind == args.kind]
    return pieces[:: args.every][: args.limit]


def _file_name(piece: Piece, clip: tuple[float, float] | None, args: Args) -> str:
    """Of a piece's results: everything that changes them is in it."""
    content = Path(piece.path).read_bytes()
    options = json.dumps([clip, args.players, args.rehearsals])
    code = hashlib.sha256(content + options.encode()).hexdigest()[:12]
    return f"{piece.name.replace('/', '_')[-60:]}_{code}.json"


def play_piece(
    name: str,
    path: str,
    kind: str,
    clip: tuple[float, float] | None,
    players: tuple[str, ...],
    rehearsals: int,
) -> Row:
    """Figures of all players on one piece, and the causes of what muscles lose.

    Args:
        name: of the piece.
        path: its file.
        kind: `PERFORMANCE` or `SCORE`.
        clip: part of it [s]; None: all of it.
        players: names of players.
        rehearsals: runs of the muscles before.
    """
    row: Row = {"name": name, "kind": kind}
    try:
        target = keyboard_score(load_score(path, clip=clip))
        with threadpool_limits(limits=1):
            return row | play_target(target, players, rehearsals)
    except MusclehandError as error:
        return row | {"error": str(error)}


def play_target(target: Any, players: tuple[str, ...], rehearsals: int) -> Row:
    """What `play_piece` keeps of a score."""
    maker = PlanPlayer(target, PlayerSettings(MUSCLE, rehearsals=rehearsals, processes=1))
    if rehearsals:
        practise(maker, target, rehearsals, progress=None)
    plan = maker.final_plan
    oracles = tuple(name for name in (RIGID, TORQUE) if name in players)
    tracks = play_stages(plan, maker.scene, names=oracles)
    if MUSCLE in players:
        tracks[MUSCLE] = play_track(maker.controller(plan), target)
    played = {PLAN: plan.planned} if PLAN in players else {}
    played |= {name: track.played for name, track in tracks.items()}
    row: Row = {
        "notes": len(target),
        "seconds": target.duration,
        "notes_per_s": len(target) / target.duration,
        "kept": plan.key_time_kept,
        "players": {name: figures(target, notes) for name, notes in played.items()},
    }
    if set(PLAYERS) <= set(players):
        lost = find_causes(plan, HandsOnKeys(maker.scene), tracks, MUSCLE)
        row["lost"] = [[note.kind, note.stage, note.cause, note.lost_s] for note in lost]
    return row


def page(rows: Mapping[str, Row], args: Args) -> str:
    """The body of the results page, in Markdown.

    Args:
        rows: results of the pieces, by name.
        args: of the experiment.
    """
    good = {name: row for name, row in rows.items() if "error" not in row}
    parts = [prose(good, args)]
    failed = [f"- `{name}`: {row['error']}" for name, row in rows.items() if "error" in row]
    if failed:
        parts += ["Not played:", "\n".join(failed)]
    if not good:
        return "\n\n".join(parts)
    groups = {
        "all": good,
        f"up to {DENSE:.0f} notes/s": _of(good, lambda row: row["notes_per_s"] <= DENSE),
        f"above {DENSE:.0f} notes/s": _of(good, lambda row: row["notes_per_s"] > DENSE),
    }
    for kind in (PERFORMANCE, SCORE):
        group = _of(good, lambda row, kind=kind: row["kind"] == kind)
        if 0 < len(group) < len(good):
            groups[f"{kind}s"] = group
    lines = [
        line
        for name, group in groups.items()
        if group
        for line in _player_lines(name, list(group.values()), args.players)
    ]
    parts += ["## Players", markdown_table(("pieces", "player", *HEADINGS), lines)]
    parts += causes_part(list(good.values()))
    player = args.players[-1]
    parts += [f"## By piece: {PLAYERS[player]}", piece_table(good, player)]
    return "\n\n".join(parts)


HEADINGS = tuple(heading for heading, _ in FIGURES.values())


def prose(rows: Mapping[str, Row], args: Args) -> str:
    """What was played, in words."""
    notes = sum(row["notes"] for row in rows.values())
    seconds = sum(row["seconds"] for row in rows.values())
    kept = means([{"kept": row["kept"]} for row in rows.values()]).get("kept")
    text = (
        f"{len(rows)} pieces, {notes:,} notes, {seconds / 60:.1f} minutes of music; "
        f"{args.rehearsals} rehearsals. All players follow the same plan. Frame figures are at "
        "20 Hz, `micro` over all steps and keys, `mean` over steps as RoboPianist has it; `heard` "
        "is frame F1 micro of keys and pedal together; Velocity F1 counts notes within 50 ms and "
        "8 MIDI velocities. Missed and extra are notes a piece without a partner within 100 ms."
    )
    if kept is not None:
        text += f" The plan keeps {100 * kept:.1f} % of the written key-down time."
    if args.maestro is not None and MUSCLE in args.players:
        ours = means([row["players"][MUSCLE] for row in rows.values()]).get("frame_f1_mean")
        if ours is not None:
            text += (
                "\n\nMAESTRO v3, test split, 30 s of each piece, frame F1 mean over steps: muscles "
                f"{ours:.3f}; published for a planner over robot hands, without training on the "
                f"pieces: {PUBLISHED_MEAN:.3f}."
            )
    return text


def _of(rows: Mapping[str, Row], holds: Callable[[Row], bool]) -> dict[str, Row]:
    return {name: row for name, row in rows.items() if holds(row)}


def _player_lines(name: str, rows: list[Row], players: tuple[str, ...]) -> list[list[str]]:
    """Lines of means over pieces, one for each player."""
    lines = []
    for player in players:
        mean = means([row["players"][player] for row in rows])
        lines.append([f"{name} ({len(rows)})", PLAYERS[player], *_cells(mean)])
    return lines


def _cells(values: Mapping[str, float | None]) -> list[str]:
    return [
        "-" if values.get(name) is None else f"{values[name]:.{digits}f}"
        for name, (_, digits) in FIGURES.items()
    ]


def piece_table(rows: Mapping[str, Row], player: str) -> str:
    """Figures of one player on every piece, in Markdown."""
    cells: list[tuple[str, Callable[[Row], str]]] = [
        ("notes", lambda row: str(row["notes"])),
        ("notes/s", lambda row: f"{row['notes_per_s']:.1f}"),
        ("key time kept", lambda row: "-" if row["kept"] is None else f"{row['kept']:.3f}"),
    ]
    for number, heading in enumerate(HEADINGS):
        cells.append(
            (heading, lambda row, number=number: _cells(row["players"][player])[number])  # type: ignore[misc]
        )
    return cells_table("piece", cells, rows)


def causes_part(rows: list[Row]) -> list[str]:
    """Tables of causes and stages, in Markdown; nothing where some players did not play."""
    lost = [tuple(note) for row in rows for note in row.get("lost", [])]
    if not lost:
        return []
    parts = [
        "## Causes of what muscles lose",
        "Notes are put to the first stage from which on they stay lost, and to the first cause "
        "that holds, in the order of `musclehand.performance.causes`.",
    ]
    for kind in KINDS:
        notes = [note for note in lost if note[0] == kind]
        counts = Counter((cause, stage) for _, stage, cause, _ in notes)
        stages = [stage for stage in PLAYERS if any(key[1] == stage for key in counts)]
        by_cause = Counter(cause for _, _, cause, _ in notes)
        lines = [
            [
                CAUSES[cause],
                f"{100 * count / len(notes):.1f} %",
                str(count),
                *(str(counts[cause, stage]) for stage in stages),
            ]
            for cause, count in by_cause.most_common()
        ]
        if lines:
            head = ("cause", "share", "notes", *(f"lost by {PLAYERS[stage]}" for stage in stages))
            parts += [f"### {WORDS[kind]}: {len(notes)}", markdown_table(head, lines)]
    return parts


if __name__ == "__main__":
    run_script(main, Args, __doc__)
