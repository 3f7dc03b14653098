"""`musclehand retarget`: makes clips of our hand from published motion files, and says how well
it follows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import InvalidValue, OutputError

if TYPE_CHECKING:
    from musclehand.motion.clip import MotionClip
    from musclehand.motion.fingertip_track import FingertipTrack
    from musclehand.core.progress import Progress
    from musclehand.motion.retarget import RetargetError

_NO_DEFAULT = ""
_MM = 1e3


@dataclass(frozen=True)
class RetargetArgs:
    """Make motion of our hand from a published motion file.

    FILE is a MUSIC clip (.joblib, .pkl), a FuerElise piece (its folder, or motion.pkl), an RP1M
    folder (.zarr) or a PianoMime array (.npy), as downloaded. The fingertips of our hand go where
    the file's do; a table says how close they come. PIG fingerings (.txt) are scores: `musclehand
    play` makes the motion.

    For example:
      musclehand retarget Stan_1_left_hand_action_list.npy --out stan_left.h5 musclehand retarget
      rp1m.zarr --song RoboPianist-debug-TwinkleTwinkleRousseau-v0_0 --take 3 --out twinkle.h5
      musclehand retarget dataset/081 --allow-pickle --out elise.h5 musclehand retarget
      right/clips.joblib --side right --allow-pickle --out music.h5
    """

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """File or folder of the data set."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.h5")]
    """Where to write the clips."""

    format: Annotated[str, tyro.conf.arg(metavar="auto|music|fuer-elise|rp1m|pianomime")] = "auto"
    """What FILE is; by default found by its name."""

    side: Annotated[
        str | None, tyro.conf.arg(metavar="left|right", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Which hand it is, where its name does not say so; of a file with both hands, which to
    take."""

    song: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Which song of an RP1M folder."""

    take: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Which rollout of the song."""

    scale: Annotated[str, tyro.conf.arg(metavar="X|fit")] = "1"
    """Make the file's hand X times as large about its wrist, or as ours follows best. 1 keeps
    fingers on their keys."""

    allow_pickle: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Open .joblib and .pkl files. Only numbers are read from them and nothing in them is run."""

    force: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Write over an existing file."""


def retarget_file(args: RetargetArgs) -> None:
    """`musclehand retarget`.

    Raises:
        MusclehandError: the file or an option cannot be used, or the result cannot be written.
    """
    from musclehand.body.anatomy import Side
    from musclehand.cli.console import open_console, say
    from musclehand.motion.published.reading import read_tracks
    from musclehand.motion.retarget import retarget

    sides = {None: None, "left": Side.LEFT, "right": Side.RIGHT}
    if args.side not in sides:
        raise InvalidValue("side", args.side, "left or right")
    scale = _scale(args.scale)
    if args.out.suffix.lower() not in {".h5", ".hdf5"}:
        raise OutputError(args.out, "clips are HDF5 files; name it .h5")
    if args.out.is_dir() or (args.out.exists() and not args.force):
        raise OutputError(args.out, "it is there already; --force writes over it")
    tracks = read_tracks(
        args.file,
        format=args.format,
        side=sides[args.side],
        allow_pickle=args.allow_pickle,
        song=args.song,
        take=args.take,
    )
    clips: list[MotionClip] = []
    errors: list[RetargetError] = []
    for track in tracks:
        with _progress(track.name) as show:
            clip, error = retarget(track, scale=scale, progress=show)
        clips.append(clip)
        errors.append(error)
    write_whole(args.out, clips)
    print_errors(tracks, errors, clips)
    say(open_console(), f"Written to {args.out}")


def _scale(text: str) -> float | None:
    if text == "fit":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InvalidValue("scale", text, "a number from 0.5 to 2, or fit") from error


def write_whole(path: Path, clips: Sequence[MotionClip]) -> None:
    """Writes a file of clips atomically.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.core.atomic import temporary_path
    from musclehand.motion.clip import write_clips

    try:
        with temporary_path(path) as part:
            write_clips(part, clips)
    except InvalidValue as error:
        raise OutputError(path, str(error)) from error


def print_errors(
    tracks: Sequence[FingertipTrack], errors: Sequence[RetargetError], clips: Sequence[MotionClip]
) -> None:
    """A table of how far each fingertip of each hand stays from the file's, in millimetres, and its
    fastest joint.

    Joints have limits, but no highest speed: what a file asks beyond a hand's is seen here.
    """
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
    for track, error, clip in zip(tracks, errors, clips, strict=True):
        cells = [
            "unseen" if seen == 0 else " / ".join(f"{_MM * value:.2f}" for value in row)
            for seen, row in zip(
                error.tracked, zip(error.mean, error.p95, error.max, strict=True), strict=True
            )
        ]
        last = (
            f"{track.duration:.1f}",
            f"{error.in_limits:.0%}",
            f"{error.scale:g}",
            f"{abs(clip.qvel).max():.1f} rad/s",
        )
        table.add_row(Text(track.name), *cells, *last)
    open_console().print(table)


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """A bar on stderr, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
