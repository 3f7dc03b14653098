"""`musclehand explain`: which notes a performance lost, at which stage, and why."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from musclehand.core.progress import Progress
    from musclehand.performance.explain import Explanation

_NO_DEFAULT = ""

_STAGES = {
    "plan": ("planning", "rehearsing", "real time"),
    "stages": ("loading", "playing by rigid hands and ideal torques", "real time"),
    "pictures": ("setting the stage", "drawing", "pictures/s"),
}
"""What the progress bar reads before and while a stage counts, and the unit of its rate."""


@dataclass(frozen=True)
class ExplainArgs:
    """Say which notes a performance lost, at which stage, and why, with pictures.

    DIR is a folder that `musclehand play` filled, by a player that follows a plan: muscle, policy,
    torque or rigid. The plan is made again, and two oracles play it: rigid hands that are moved
    exactly along the reference, and ideal joint torques. What rigid hands miss is lost in the plan
    and its reference, what torques miss in following it, the rest in the muscles. The folder gets
    explain.html (stages, causes, lost notes, pictures), causes.csv (a line for each lost note) and
    figures/lost_1.png and so on. It takes about as long as playing did.

    For example:
      musclehand explain performances/fuer_elise_muscle
      musclehand explain performances/song_muscle --pictures 20
      musclehand explain slower --score ~/scores/song.mid
    """

    folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="DIR")]]
    """Folder of results."""

    score: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """The score, where it is no longer where it was when it was played."""

    pictures: Annotated[int, tyro.conf.arg(metavar="N")] = 6
    """Pictures at most: of the first missed notes, then of extra ones."""


def explain(args: ExplainArgs) -> None:
    """`musclehand explain`.

    Raises:
        MusclehandError: the folder, its score or an option is not usable.
    """
    from musclehand.cli.console import progress_bar

    def stage(name: str) -> AbstractContextManager[Progress | None]:
        return progress_bar(*_STAGES[name])

    with progress_bar("loading", "", ""):
        from musclehand.performance.explain import explain as explain_folder

    _print(
        explain_folder(args.folder, score=args.score, pictures=args.pictures, stage=stage),
        args.folder,
    )


def _print(explanation: Explanation, folder: Path) -> None:
    """Prints how often each cause was found, and the files."""
    from rich.table import Table

    from musclehand.cli.console import open_console, say
    from musclehand.performance.causes import CAUSES, count_causes

    console = open_console()
    title = " ".join(explanation.plan.target.title.split()) or "Untitled"
    say(console, f"Lost notes of {title}, played by: {explanation.player}")
    table = Table()
    for heading in ("lost", "cause"):
        table.add_column(heading)
    table.add_column("notes", justify="right")
    for kind, counts in count_causes(explanation.rows).items():
        for cause, count in counts.items():
            table.add_row(kind, CAUSES[cause], str(count))
    if table.row_count:
        console.print(table)
    else:
        say(console, "None is lost.")
    names = [str(path.relative_to(folder)) for path in explanation.files]
    say(console, f"Written to {folder}: {', '.join(names)}")
