"""`musclehand watch`: notes, fingers and motion from a film of a pianist."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.core.progress import Progress

if TYPE_CHECKING:
    from musclehand.watch.demonstration import Demonstration
    from musclehand.watch.inputs import WatchInputs

_NO_DEFAULT = ""


@dataclass(frozen=True)
class WatchArgs:
    """Learn notes, fingers and motion from a film of a pianist.

    FILM shows the keyboard and both hands from above, with a camera that stands still. The keyboard
    is found in the picture, hands are detected, notes are heard in the sound. Each note gets the
    finger that was on its key, and both hands get joint angles. The folder also has check.png and
    check.mp4, with keys, hands and fingers drawn over the film: look at them.

    A run that was stopped resumes where it was. The first use needs `musclehand watch --setup`,
    which downloads the two networks that detect hands (36 MB, of which 8 MB are kept).

    For example:
      musclehand watch --setup                            once: get the networks
      musclehand watch film.mp4 --out elise               notes are heard in the sound
      musclehand watch film.mp4 --midi elise.mid --out e  notes are given; the clock is found
      musclehand watch landmarks.h5 --view elise/view.json --midi elise.mid --out e
      musclehand watch film.mp4 --corners 0,360 1279,360 1279,518 0,518 --lowest A0 --out e
      musclehand play elise/score.txt --like elise/motion.h5
    """

    film: tyro.conf.Positional[
        Annotated[Path | None, tyro.conf.arg(metavar="FILM", help_behavior_hint=_NO_DEFAULT)]
    ] = None
    """Film, or landmarks of hands (.h5)."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Folder for the results; by default watched/NAME."""

    midi: Annotated[Path | None, tyro.conf.arg(metavar="SCORE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """The notes, as MIDI, MusicXML or PIG; where in the film they begin is found."""

    sound: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """A recording of the sound, in place of the film's own."""

    landmarks: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.h5", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Landmarks of the hands in the film by another detector (docs: file formats)."""

    view: Annotated[
        Path | None, tyro.conf.arg(metavar="view.json", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """The camera, from another film that it made at the same place."""

    corners: Annotated[
        tuple[str, str, str, str] | None,
        tyro.conf.arg(metavar="X,Y X,Y X,Y X,Y", help_behavior_hint=_NO_DEFAULT),
    ] = None
    """Corners of the white keys in the picture [pixels]: back left, back right, front right, front
    left. Only needed where the keyboard is not found."""

    lowest: Annotated[str | None, tyro.conf.arg(metavar="KEY", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """The leftmost key in the picture, such as C2, if the film does not show all 88."""

    clip: Annotated[
        tuple[float, float] | None,
        tyro.conf.arg(metavar="A B", help_behavior_hint=_NO_DEFAULT),
    ] = None
    """Watch only from second A to second B of the film; times then count from A."""

    rate: Annotated[float, tyro.conf.arg(metavar="HZ")] = 30.0
    """Pictures per second that are looked at, 10 to 240."""

    hand_model: Annotated[
        Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Copies of one's own of the two networks."""

    force: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Replace results that are there."""

    setup: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Get the networks that detect hands, and keep them in the user's cache."""


def watch_film(args: WatchArgs) -> None:
    """`musclehand watch`.

    Raises:
        MusclehandError: the film or an option cannot be used, or a result cannot be written.
    """
    from musclehand.cli.console import open_console, progress_bar, say

    if args.setup:
        from musclehand.watch.networks import set_up_networks

        networks = set_up_networks(args.hand_model)
        say(open_console(), f"Networks that detect hands are in {networks.palm.parent}")
        if args.film is None:
            return
    if args.film is None:
        raise MusclehandError("watch needs a film; `musclehand watch --help` shows examples")
    from musclehand.watch.demonstration import watch

    inputs = _inputs_of(args, args.film)
    if inputs.has_film and inputs.landmarks is None:
        _ask_for_networks(args.hand_model)

    def stage(name: str) -> AbstractContextManager[Progress | None]:
        return progress_bar(*_STAGES[name])

    folder = args.out or Path("watched") / args.film.stem
    print_demonstration(watch(inputs, out=folder, force=args.force, stage=stage))


_STAGES = {
    "keyboard": ("finding the keyboard", "", ""),
    "hands": ("finding hands", "following hands", "real time"),
    "notes": ("listening", "hearing notes", "real time"),
    "fingers": ("finding fingers", "", ""),
    "motion": ("measuring hands", "finding joint angles", "real time"),
    "check": ("drawing", "drawing", "real time"),
    "figures": ("writing", "", ""),
}
"""What the progress bar reads before and while a stage counts, and the unit of its rate."""


def _inputs_of(args: WatchArgs, film: Path) -> WatchInputs:
    """The inputs that were given.

    Args:
        args: of the command.
        film: the film or landmarks.

    Raises:
        InvalidValue: one of them is not legal.
        FileError: a file is not there.
    """
    from musclehand.watch.inputs import WatchInputs

    corners = None
    if args.corners is not None:
        try:
            pairs = [tuple(float(number) for number in text.split(",")) for text in args.corners]
            corners = tuple((x, y) for x, y in pairs)
        except ValueError as error:
            legal = "four places X,Y in pixels, such as 0,360"
            raise InvalidValue("corners", " ".join(args.corners), legal) from error
    return WatchInputs(
        film=film,
        midi=args.midi,
        sound=args.sound,
        landmarks=args.landmarks,
        view=args.view,
        corners=corners,
        lowest=args.lowest,
        clip=args.clip,
        rate=args.rate,
        hand_model=args.hand_model,
    )


def _ask_for_networks(folder: Path | None) -> None:
    """Offers to get the networks that detect hands, where they are missing and a person is there.

    Args:
        folder: copies of one's own; None for those of the user's cache.

    Raises:
        NetworkError: they are missing, and nobody said yes.
    """
    from musclehand.watch.networks import NetworkError, find_networks, set_up_networks

    try:
        find_networks(folder)
    except NetworkError:
        if folder is not None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        print(
            "Two networks that detect hands are needed once (36 MB from the Python package index).",
            file=sys.stderr,
        )
        if input("Get them now? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise
        set_up_networks()


def print_demonstration(demonstration: Demonstration) -> None:
    """Prints how well film, notes and hands agree."""
    from rich.table import Table

    from musclehand.cli.console import open_console, say

    figures = demonstration.figures
    hands, fingers = figures["hands"], figures["fingers"]
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = (
        ("film", f"{figures['duration_s']:.1f} s"),
        (
            "keys in the picture",
            f"{figures['keyboard']['lowest']} to {figures['keyboard']['highest']}",
        ),
        ("left hand in view", f"{hands['left_in_view']:.1%}"),
        ("right hand in view", f"{hands['right_in_view']:.1%}"),
        ("notes", str(fingers["notes"])),
        ("notes dropped, no fingertip near", str(fingers["notes_dropped"])),
        ("notes with a fingertip on the key", f"{fingers['notes_with_finger_on_key']:.1%}"),
        ("notes with an uncertain finger", str(fingers["notes_with_uncertain_finger"])),
        ("error of fingertips along the keys", f"{fingers['fingertip_error_mm']:.1f} mm"),
        ("the notes' time 0 in the film", f"{fingers['clock_offset_s']:.3f} s"),
    )
    for row in rows:
        table.add_row(*row)
    console = open_console()
    console.print(table)
    folder = demonstration.folder
    say(console, f"Written to {folder}; look at {folder / 'check.mp4'}")
    say(console, f"Play it: musclehand play {folder / 'score.txt'} --like {folder / 'motion.h5'}")
