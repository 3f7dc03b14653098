"""`musclehand retarget`: motion of our hand from published motion files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import InvalidValue, OutputError

if TYPE_CHECKING:
    from musclehand.motion.published.retargeting import RetargetedTrack

_NO_DEFAULT = ""
_MM = 1e3
"""[mm/m]"""


@dataclass(frozen=True)
class RetargetArgs:
    """Retarget a published motion file to our hand.

    FILE is a MUSIC clip (.joblib, .pkl), a FuerElise piece (its folder, or motion.pkl), an RP1M
    folder (.zarr) or a PianoMime array (.npy), as downloaded. The fingertips of our hand follow
    those of the file; a table shows the errors. PIG fingerings (.txt) are scores: `musclehand play`
    turns them into motion.

    For example:
      musclehand retarget Stan_1_left_hand_action_list.npy --out stan_left.h5
      musclehand retarget rp1m.zarr --song SONG --take 3 --out song.h5
      musclehand retarget dataset/081 --allow-pickle --out elise.h5
      musclehand retarget right/clips.joblib --side right --allow-pickle --out music.h5
    """

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """File or folder of the data set."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.h5")]
    """File for the clips."""

    format: Annotated[str, tyro.conf.arg(metavar="auto|music|fuer-elise|rp1m|pianomime")] = "auto"
    """Format of FILE; auto finds it by the name."""

    side: Annotated[
        str | None, tyro.conf.arg(metavar="left|right", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Side of the hand, if the name of FILE does not say it. From a file with two hands, only this
    hand is taken."""

    song: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Song of an RP1M folder."""

    take: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Rollout of the song, from 0."""

    scale: Annotated[str, tyro.conf.arg(metavar="X|fit")] = "1"
    """Enlarge the hand of the file X times about its wrist, or (fit) to the size that our hand
    follows best. 1 keeps fingers on their keys."""

    allow_pickle: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Open .joblib and .pkl files. Their numbers are read, and no code in them is run."""

    force: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Overwrite an existing file."""


def retarget_file(args: RetargetArgs) -> None:
    """`musclehand retarget`.

    Raises:
        MusclehandError: the file or an option cannot be used, or the result cannot be written.
    """
    from musclehand.body.anatomy import Side
    from musclehand.cli.console import open_console, progress_bar, say
    from musclehand.motion.clip import write_clips
    from musclehand.motion.published.retargeting import retarget_published

    sides = {None: None, "left": Side.LEFT, "right": Side.RIGHT}
    if args.side not in sides:
        raise InvalidValue("side", args.side, "left or right")
    scale = _scale(args.scale)
    if args.out.suffix.lower() not in {".h5", ".hdf5"}:
        raise OutputError(args.out, "clips are HDF5 files; name it .h5")
    if args.out.is_dir() or (args.out.exists() and not args.force):
        raise OutputError(args.out, "the file exists already; --force overwrites it")
    with progress_bar("reading", "retargeting", "real time") as show:
        results = retarget_published(
            args.file,
            format=args.format,
            side=sides[args.side],
            allow_pickle=args.allow_pickle,
            song=args.song,
            take=args.take,
            scale=scale,
            progress=show,
        )
    write_clips(args.out, [result.clip for result in results])
    print_errors(results)
    say(open_console(), f"Written to {args.out}")


def _scale(text: str) -> float | None:
    if text == "fit":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InvalidValue("scale", text, "a number from 0.5 to 2, or fit") from error


def print_errors(results: Sequence[RetargetedTrack]) -> None:
    """Print a table of fingertip errors, joint limits and the fastest joint of each clip."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.body.anatomy import DIGITS
    from musclehand.cli.console import open_console

    table = Table(title=Text("Fingertip error [mm]: mean / 95 % / largest"), title_justify="left")
    table.add_column("clip", overflow="fold")
    for digit in DIGITS:
        table.add_column(digit, justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("in limits", justify="right")
    table.add_column("scale", justify="right")
    table.add_column("fastest joint", justify="right")
    for result in results:
        error = result.error
        cells = []
        for finger in range(len(DIGITS)):
            row = (error.mean[finger], error.p95[finger], error.max[finger])
            numbers = " / ".join(f"{_MM * value:.2f}" for value in row)
            cells.append(numbers if error.tracked[finger] > 0 else "not tracked")
        cells.append(f"{result.track.duration:.1f}")
        cells.append(f"{error.in_limits:.0%}")
        cells.append(f"{error.scale:g}")
        cells.append(f"{result.peak_joint_speed:.1f} rad/s")
        table.add_row(Text(result.track.name), *cells)
    open_console().print(table)
