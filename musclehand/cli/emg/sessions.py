"""`musclehand emg sessions`: the noise ceiling of an armband data set."""

from __future__ import annotations

import json as json_format
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import OutputError

if TYPE_CHECKING:
    from musclehand.emg.comparison.sessions import SessionStudy, Spread

_NO_DEFAULT = ""


@dataclass(frozen=True)
class SessionsArgs:
    """Noise ceiling of an armband data set: agreement of sessions of one person and of several.

    FOLDER holds sessions as the myo-readings-dataset has them: folders such as 12345-1 with files
    1.txt to 7.txt. A simulation cannot agree better with a person than that person's own second
    session of the same movements.

    For example:
      musclehand emg sessions myo-readings-dataset/_readings_right_hand
    """

    folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FOLDER")]]
    """Folder of sessions."""

    lowpass: Annotated[float, tyro.conf.arg(metavar="HZ")] = 6.0
    """Low-pass frequency of the envelopes."""

    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write all numbers to this file."""


def sessions(args: SessionsArgs) -> None:
    """`musclehand emg sessions`.

    Raises:
        MusclehandError: no session can be read, or the numbers cannot be written.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.comparison.sessions import as_json, config_for, study_sessions, summarise

    study = study_sessions(args.folder, config_for(args.lowpass))
    print_study(study, summarise(study))
    if args.json is not None:
        text = json_format.dumps(as_json(study, args.lowpass), indent=1, allow_nan=False)
        try:
            args.json.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(args.json, error.strerror or str(error)) from error
        say(open_console(), f"Written to {args.json}")


def print_study(study: SessionStudy, table: dict[str, dict[str, Spread]]) -> None:
    """The scores of each group, rotations of the armbands, and files that could not be read."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say
    from musclehand.emg.comparison.sessions import HALVES, explain

    console = open_console()
    say(console, f"{len(study.sessions)} sessions: {', '.join(study.sessions)}")
    scores = Table(title="Correlation: median [5 %, 95 %]", title_justify="left")
    scores.add_column("")
    for group in table:
        scores.add_column(f"{group} ({len(study.group(group))})", justify="right")
    words = {
        "channel, right": "a channel over time, same movement",
        "channel, wrong": "a channel over time, other movement",
        "pooled, right": "channels and time, same movement",
        "pooled, wrong": "channels and time, other movement",
        "turned, right": "the same, armband turned, same movement",
        "turned, wrong": "the same, armband turned, other movement",
    }
    for name, title in words.items():
        scores.add_row(title, *(_cell(row[name]) for row in table.values()))
    console.print(scores)
    for sentence in explain(study):
        say(console, sentence)
    rotations = Table(
        title="Second armband turned against the first [electrodes]", title_justify="left"
    )
    for heading in ("first", "second", "turned by"):
        rotations.add_column(heading)
    pairs = [pair for pair in study.pairs if pair.group != HALVES]
    for pair in pairs:
        rotations.add_row(Text(pair.first), Text(pair.second), str(pair.shift))
    if pairs:
        console.print(rotations)
    for problem in study.problems:
        say(console, f"left out: {problem}")


def _cell(spread: Spread) -> str:
    if not spread.number:
        return "-"
    return f"{spread.median:.2f} [{spread.low:.2f}, {spread.high:.2f}]"
