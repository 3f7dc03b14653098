"""`musclehand view`: a hand model, or a performance, in the browser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core import interrupts

if TYPE_CHECKING:
    from musclehand.view.app import HandPage

FRAME_SECONDS = 1.0 / 30.0
"""Duration of a picture [s]."""

SHORTEST_PAUSE = 0.001
"""Pause after each picture at least, in which the page is served [s]."""

BUNDLED = ("musclehand", "myohand")
"""Names of bundled models, even where a folder has such a name."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class ViewArgs:
    """Look at a hand model or a performance in the browser.

    MODEL is an MJCF file, or a bundled model: musclehand or myohand. The page moves joints, excites
    muscles and looks up moment arms; it needs viser: pip install 'musclehand[view]'. MODEL may also
    be a folder that `musclehand play` filled: then the page is that of the performance. Pages are
    served on this computer only, until Ctrl-C.

    For example:
      musclehand view
      musclehand view my_hand.xml --side left --port 8090
      musclehand view performances/fuer_elise_muscle
    """

    model: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]] = "musclehand"
    """MJCF file, musclehand or myohand, or the folder of a performance."""

    port: Annotated[int, tyro.conf.arg(metavar="N")] = 8080
    """Port of the page; 0 for any free one."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right")] = "right"
    """Which hand to show."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Names of the parts of MODEL: a JSON file as in models/naming."""

    root: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Folder that a model's includes and meshes may come from; by default the one it lies in."""


def view(args: ViewArgs) -> None:
    """`musclehand view`; returns when interrupted.

    Raises:
        MusclehandError: the model, the folder, the port or an option is not usable, or viser is
            missing.
    """
    if Path(args.model).is_dir() and args.model not in BUNDLED:
        _view_performance(Path(args.model), args.port)
        return
    from musclehand.validation.specimen import open_specimens
    from musclehand.view.app import HandPage

    specimen = open_specimens(
        args.model, naming=args.map, root=args.root, side=args.side, visual=True
    )[0]
    page = HandPage(specimen, port=args.port)
    side = specimen.hand.side.name.lower()
    print(f"{args.model}, {side} hand: {page.url} (Ctrl-C ends)", flush=True)
    try:
        _run(page)
    except KeyboardInterrupt:
        page.stop()


def _view_performance(folder: Path, port: int) -> None:
    """Serves the page of a performance; makes it where it is missing."""
    from musclehand.performance.report import PAGE, write_page
    from musclehand.view.serve import PageServer, check_port

    check_port(port)
    page = folder / PAGE
    if not page.is_file():
        write_page(folder)
    server = PageServer(page.read_text(encoding="utf-8"), port=port)
    print(f"{folder}: {server.url} (Ctrl-C ends)", flush=True)
    try:
        while True:
            interrupts.check()
            time.sleep(FRAME_SECONDS)
    except KeyboardInterrupt:
        server.stop()


def _run(page: HandPage) -> None:
    """Simulates in real time until interrupted; on a slow computer, slower."""
    while True:
        interrupts.check()
        begin = time.perf_counter()
        page.advance(FRAME_SECONDS)
        time.sleep(max(SHORTEST_PAUSE, FRAME_SECONDS - (time.perf_counter() - begin)))
