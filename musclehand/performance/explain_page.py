"""The page of an explanation: stages side by side, causes, lost notes, and pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from musclehand.core.html_page import Html, build_document, element, figure, table
from musclehand.music.metrics import score_performance
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Score
from musclehand.performance.causes import CAUSES, KINDS, LostNote, count_causes
from musclehand.performance.stages import PLAN, RIGID, TORQUE, Track
from musclehand.planning.plan import PerformancePlan

STAGES: Mapping[str, str] = {
    PLAN: "the plan itself",
    RIGID: "rigid hands, moved exactly along the reference",
    TORQUE: "ideal joint torques",
}
"""The stages before the player, in words."""

HEADINGS = {
    "missed": "Missed notes",
    "extra": "Extra notes",
    "short": "Keys let go early",
}
"""Of the tables of causes, by kind."""

MOST_ROWS = 400
"""Lost notes listed on the page; the table has all."""


class Picture(NamedTuple):
    """A picture of a lost note."""

    path: Path
    """PNG file."""

    row: LostNote
    """The note."""

    alt: str
    """In words."""


def explain_page(
    plan: PerformancePlan,
    tracks: Mapping[str, Track],
    player: str,
    rows: Sequence[LostNote],
    pictures: Sequence[Picture],
) -> str:
    """The page as HTML, with its pictures inside.

    Args:
        plan: that was followed.
        tracks: what rigid hands, ideal torques and the player did, by name.
        player: name of the player.
        rows: lost notes, by time.
        pictures: of some of them.
    """
    title = f"Lost notes of {' '.join(plan.target.title.split()) or 'Untitled'}"
    body: list[str] = [
        element("h1", title),
        element("p", _lead(plan, rows, player), class_="lead"),
        element("h2", "Stages"),
        element(
            "p",
            "All play the same plan. A note is put to the first stage from which on it stays "
            "missed. Rigid fingers go through each other and press every key that they brush: "
            "their extra notes say little.",
        ),
        _stages(plan, tracks, player),
        element("h2", "Causes"),
    ]
    if not rows:
        body.append(element("p", "Nothing is lost."))
    for kind, counts in count_causes(rows).items():
        if counts:
            cells = [[CAUSES[cause], str(count)] for cause, count in counts.items()]
            body += [element("h3", HEADINGS[kind]), table(["cause", "notes"], cells)]
    if pictures:
        body += [
            element("h2", "Moments"),
            element(
                "p",
                "The hands at the written onset of a missed note, or when an extra one sounds. "
                "Its key is yellow. Keys that are down are green if the score has them, else "
                "orange. The blue hand is where the plan has the hands.",
            ),
        ]
    for picture in pictures:
        source = "data:image/png;base64," + b64encode(picture.path.read_bytes()).decode("ascii")
        body.append(figure(source, picture.alt, _sentence(picture.row)))
    body += [element("h2", "Lost notes"), _list(rows)]
    if len(rows) > MOST_ROWS:
        body.append(element("p", f"The first {MOST_ROWS} of {len(rows)}.", class_="fine"))
    return build_document(title, body)


def _lead(plan: PerformancePlan, rows: Sequence[LostNote], player: str) -> str:
    counts = {kind: sum(row.kind == kind for row in rows) for kind in KINDS}
    return (
        f"Of {len(plan.target)} notes the player ({player}) misses {counts['missed']} by more than "
        f"50 ms, and strikes {counts['extra']} that are not written. The plan lets "
        f"{counts['short']} keys go early."
    )


def _stages(plan: PerformancePlan, tracks: Mapping[str, Track], player: str) -> Html:
    played: dict[str, Score] = {PLAN: plan.planned}
    played |= {name: track.played for name, track in tracks.items()}
    cells = []
    for name, score in played.items():
        metrics = score_performance(plan.target, score)
        words = STAGES.get(name, "the player") if name != player else f"the player: {name}"
        figures = (metrics.onset_f1_50ms, metrics.frame_f1_micro)
        cells.append(
            [
                words,
                *("-" if value is None else f"{value:.3f}" for value in figures),
                str(metrics.missed),
                str(metrics.extra),
            ]
        )
    head = ["stage", "onset F1 50 ms", "frame F1", "missed", "extra"]
    return table(head, cells, kind="numbers")


def _sentence(row: LostNote) -> str:
    """A lost note in words."""
    by = _who(row)
    return (
        f"{pitch_name(row.pitch)} at {row.time:.2f} s, {row.kind}{', ' + by if by else ''}: "
        f"{CAUSES[row.cause]}. Stage: {row.stage}."
    )


def _who(row: LostNote) -> str:
    if row.hand is None:
        return ""
    return f"{row.hand.name.lower()} hand, finger {row.finger}"


def _list(rows: Sequence[LostNote]) -> Html:
    cells = [
        [
            f"{row.time:.2f}",
            pitch_name(row.pitch),
            row.kind,
            row.stage,
            CAUSES[row.cause],
            _who(row),
        ]
        for row in rows[:MOST_ROWS]
    ]
    return table(["s", "key", "lost", "stage", "cause", "by"], cells)
