"""Reads every score of a folder as other libraries do, and lists where they differ.

    python experiments/compare_scores.py FOLDER
    python experiments/compare_scores.py lilypond music21 partitura --results

Every MusicXML and MIDI file of the folders, and of those below them, is read by this library and
by music21, partitura and pretty_midi as far as they take it. Compared are the notes that sound:
pitch, onset and offset, in quarter notes for MusicXML and in seconds for MIDI. Ornaments,
articulations and tempo are left out, as other readers do not play them. Kinds of differences:
"length", "pitch" and "onset" of a note that both have, notes that are "only ours" or "only theirs".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tyro

from harness.results_page import markdown_table, write_results_page
from harness.score_differences import describe, differences
from harness.score_oracles import (
    ORACLES,
    files_in,
    hear,
    hear_ours,
    reads,
    require,
    stop_chatter,
)
from harness.score_verdicts import verdict_of
from harness.script import command_of, run_script
from musclehand.core.errors import MusclehandError, ScoreError, UnknownName

TITLE = "Scores read as other libraries read them"

PROSE = """\
Notes that sound (pitch, onset, offset), read by this library and by others from the same files.
Ornaments, articulations and tempo are left out, as other readers do not play them. A file counts as
equal to a reader where every note is. Who is right was decided by a person who looked at the file;
its description of itself counts, then the standard.

Folders are those of stored copies: `lilypond` is input/regression/musicxml of LilyPond (2025),
`music21` its older copy in music21 (musicxml/lilypondTestSuite), `partitura` tests/data of
partitura. They are not part of the project."""

SAME = "same"
"""What a report says of a reader that hears the same."""


@dataclass(frozen=True)
class Args:
    """What to read, and with which libraries."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of MusicXML and MIDI files."""

    oracles: tuple[str, ...] = ORACLES
    """Readers to compare with."""

    results: bool = False
    """Write the results page."""


class Row(NamedTuple):
    """A file, as the readers have it."""

    folder: str
    """Folder that was named."""

    file: str
    """Name of the file."""

    refused: str
    """Why this library refuses the file; empty where it reads it."""

    notes: int
    """Notes that it hears."""

    compared: dict[str, str]
    """For each reader that takes the file: `SAME`, differences, or its error."""

    failed: frozenset[str]
    """Readers that raise an error."""

    @property
    def is_equal_to_one(self) -> bool:
        """Whether a reader hears the same."""
        return SAME in self.compared.values()

    @property
    def differing(self) -> dict[str, str]:
        """What readers hear differently."""
        return {
            name: text
            for name, text in self.compared.items()
            if text != SAME and name not in self.failed
        }


def main(args: Args) -> None:
    """Reads, prints a line for each file and a table, and writes the page.

    Raises:
        MissingOracle: a reader is not installed.
        MusclehandError: a folder has no scores.
        UnknownName: there is no such reader.
    """
    for name in args.oracles:
        if name not in ORACLES:
            raise UnknownName("reader", name, ORACLES)
    require(args.oracles)
    stop_chatter()
    rows: list[Row] = []
    for folder in args.folders:
        files = files_in(folder)
        if not files:
            raise MusclehandError(f"{folder}: no MusicXML or MIDI file is in it")
        for path in files:
            rows.append(compare(path, folder.name, args.oracles))
            print(line(rows[-1]), flush=True)
    table = summary(rows, args.oracles)
    print(f"\n{table}")
    if args.results:
        body = f"{PROSE}\n\n{table}\n\n{details(rows, args.oracles)}"
        write_results_page("scores", TITLE, command_of(__file__, args), body)


def compare(path: Path, folder: str, oracles: Sequence[str]) -> Row:
    """Read a file with all readers that take it.

    Args:
        path: the file.
        folder: name that its row gets.
        oracles: names of readers.
    """
    refused = ""
    try:
        ours = hear_ours(path)
        if not ours:
            refused = "has no notes"
    except ScoreError as error:
        ours = []
        refused = str(error).removeprefix(str(path)).strip(": ")
    compared: dict[str, str] = {}
    failed: set[str] = set()
    for name in oracles:
        if not reads(name, path):
            continue
        theirs = hear(name, path)
        if isinstance(theirs, str):
            compared[name] = theirs
            failed.add(name)
        else:
            compared[name] = describe(differences(ours, theirs)) or SAME
    return Row(folder, path.name, refused, len(ours), compared, frozenset(failed))


def line(row: Row) -> str:
    """One line about a file."""
    own = row.refused or f"{row.notes} notes"
    others = "; ".join(f"{name} {text}" for name, text in row.compared.items())
    verdict = verdict_of(row.folder, row.file) if row.differing else None
    right = f" [right: {verdict.right}: {verdict.reason}]" if verdict else ""
    return f"{row.folder}/{row.file}: {own}; {others}{right}"


def summary(rows: Sequence[Row], oracles: Sequence[str]) -> str:
    """The table of folders."""
    folders = dict.fromkeys(row.folder for row in rows)
    head = ["folder", "files", "without notes or refused", "read"]
    head += [f"as {name}" for name in oracles]
    head += ["as one reader at least", "unlike all that read it"]
    lines = []
    for folder in [*folders, "all"]:
        own = [row for row in rows if folder in (row.folder, "all")]
        read = [row for row in own if not row.refused]
        cells = [folder, str(len(own)), str(len(own) - len(read)), str(len(read))]
        for name in oracles:
            taken = [row for row in read if name in row.compared]
            same = sum(row.compared[name] == SAME for row in taken)
            cells.append(f"{same} of {len(taken)}")
        cells.append(str(sum(row.is_equal_to_one for row in read)))
        cells.append(str(sum(bool(row.differing) and not row.is_equal_to_one for row in read)))
        lines.append(cells)
    return markdown_table(head, lines)


def details(rows: Sequence[Row], oracles: Sequence[str]) -> str:
    """Tables of the files that are refused, and of those that a reader hears differently."""
    refused = Counter(row.refused for row in rows if row.refused)
    parts = []
    if refused:
        table = markdown_table(
            ["why", "files"], [[why, str(number)] for why, number in refused.most_common()]
        )
        parts.append(f"## Without notes or refused\n\n{table}")
    differing = [row for row in rows if row.differing]
    verdicts = [verdict_of(row.folder, row.file) for row in differing]
    rights = Counter(verdict.right for verdict in verdicts if verdict)
    undecided = sum(verdict is None for verdict in verdicts)
    counts = "".join(f"{name}: {number}; " for name, number in rights.most_common())
    tally = f"Right in the {len(differing)} files that a reader hears differently: {counts}"
    head = ["file", *oracles, "right", "why"]
    lines = []
    for row, verdict in zip(differing, verdicts, strict=True):
        cells = [row.compared.get(name, "").replace("|", "/") for name in oracles]
        judged = [verdict.right, verdict.reason] if verdict else ["?", ""]
        lines.append([f"{row.folder}/{row.file}", *cells, *judged])
    if differing:
        table = markdown_table(head, lines)
        parts.append(f"## Differences\n\n{tally}not decided: {undecided}.\n\n{table}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
