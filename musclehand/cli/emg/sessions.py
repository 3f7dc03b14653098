"""`musclehand emg sessions`: how alike the sessions of an armband data set are, the ceiling for
any simulation."""

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
    """How alike are the sessions of an armband data set: one person's, different people's, right
    and wrong movements.

    FOLDER holds sessions as the myo-readings-dataset has them: folders such as 12345-1 with files
    1.txt to 7.txt. A simulation cannot agree better with a person than that person with another
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
    from dataclasses import replace

    from musclehand.cli.console import open_console, say
    from musclehand.emg.comparison.sessions import CONFIG, study_sessions, summarise

    config = replace(
        CONFIG, lowpass_hz=args.lowpass, fs_out_hz=max(CONFIG.fs_out_hz, 4 * args.lowpass)
    )
    study = study_sessions(args.folder, config)
    table = summarise(study)
    print_study(study, table)
    if args.json is not None:
        content = {
            "sessions": list(study.sessions),
            "problems": list(study.problems),
            "lowpass_hz": args.lowpass,
            "scores": {
                group: {name: _as_json(each) for name, each in row.items()}
                for group, row in table.items()
            },
            "shifts": [
                {"first": p.first, "second": p.second, "shift": p.shift} for p in study.pairs
            ],
        }
        try:
            args.json.write_text(
                json_format.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8"
            )
        except OSError as error:
            raise OutputError(args.json, error.strerror or str(error)) from error
        say(open_console(), f"Written to {args.json}")


def print_study(study: SessionStudy, table: dict[str, dict[str, Spread]]) -> None:
    """The scores of each group, how the armbands are turned, and what could not be read."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say
    from musclehand.emg.comparison.sessions import HALVES

    console = open_console()
    say(console, f"{len(study.sessions)} sessions: {', '.join(study.sessions)}")
    shown = Table(title="Correlation: median [5 %, 95 %]", title_justify="left")
    shown.add_column("")
    for group in table:
        shown.add_column(f"{group} ({len(study.group(group))})", justify="right")
    words = {
        "channel, right": "a channel over time, same movement",
        "channel, wrong": "a channel over time, other movement",
        "pooled, right": "channels and time, same movement",
        "pooled, wrong": "channels and time, other movement",
        "turned, right": "the same, armband turned, same movement",
        "turned, wrong": "the same, armband turned, other movement",
    }
    for name, title in words.items():
        shown.add_row(title, *(_cell(row[name]) for row in table.values()))
    console.print(shown)
    for sentence in explain(study, table):
        say(console, sentence)
    turns = Table(
        title="Second armband turned against the first [electrodes]", title_justify="left"
    )
    for heading in ("first", "second", "turned by"):
        turns.add_column(heading)
    apart = [pair for pair in study.pairs if pair.group != HALVES]
    for pair in apart:
        turns.add_row(Text(pair.first), Text(pair.second), str(pair.shift))
    if apart:
        console.print(turns)
    for problem in study.problems:
        say(console, f"left out: {problem}")


def explain(study: SessionStudy, table: dict[str, dict[str, Spread]]) -> list[str]:
    """What the numbers of halves stand for, and which ceiling cannot be told from these
    sessions."""
    from musclehand.emg.comparison.sessions import (
        HALVES,
        OTHER_PERSON,
        SAME_PERSON,
        of_whole_sessions,
    )

    sentences = []
    if HALVES in table and table[HALVES]["channel, right"].number:
        half = table[HALVES]["channel, right"].median
        sentences.append(
            f"Halves are means of half as many repetitions: whole sessions as alike as these would have "
            f"{of_whole_sessions(half):.2f} instead of {half:.2f} for a channel over time (Spearman-Brown)."
        )
    if not study.group(SAME_PERSON):
        sentences.append(
            "No two sessions are of one person: the ceiling between sessions cannot be told from these."
        )
    if not study.group(OTHER_PERSON):
        sentences.append(
            "No two people with the same arm: nothing between people can be told from these."
        )
    return sentences


def _cell(each: Spread) -> str:
    return f"{each.median:.2f} [{each.low:.2f}, {each.high:.2f}]" if each.number else "-"


def _as_json(each: Spread) -> dict[str, float | None]:
    return {name: value if value == value else None for name, value in each._asdict().items()}
