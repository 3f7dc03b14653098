"""Planned fingering against that of textbooks and people: match rates.

    python experiments/bench_fingering.py
    python experiments/bench_fingering.py --pig PianoFingeringDataset_v1.2    your copy of PIG

Fingers are taken off before planning and hands are kept, as in the literature. The weights of the
search were fitted to the standard patterns and to every other repertoire piece with fingers, in
alphabetical order; the other pieces are held out. The fingers of the repertoire are those typed
with the pieces, by one person. PIG is given out by its authors and not distributed with this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.music.generate.exercises import arpeggio, hanon_pattern, scale
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Hand, Score
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.hand_split import split_hands
from musclehand.planning.fingering.match import (
    HIDDEN_MARKOV,
    LEARNED_RULES,
    PEOPLE,
    MatchRates,
    human_match_rate,
    match_rates,
    pool,
    read_pig_folder,
)

TITLE = "Fingering against textbooks and people"

PROSE = """\
Match rates of the planned fingering with that of textbooks and pianists. Fingers are taken off
before planning, hands are kept. The weights of the search were fitted to the rows marked
"fitted"; the last row was held out. The weights of the division between hands were fitted to
the whole repertoire, so the column of hands is a fit."""

TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

HANON = (
    (1, 2, 5, 4, 3, 4, 3, 2),
    (1, 2, 3, 4, 5, 4, 3, 2),
    (1, 3, 2, 4, 3, 5, 4, 3),
    (1, 5, 2, 5, 3, 5, 4, 5),
)
"""Degrees of five-finger patterns."""


@dataclass(frozen=True)
class Args:
    """What to measure on, and where the table goes."""

    pig: Path | None = None
    """Folder of your copy of the PIG data set."""

    out: Path = Path("runs/bench_fingering")
    """Folder of the table."""

    pieces: bool = False
    """Print a line for each piece as well."""

    results: bool = False
    """Write the results page."""


class Row:
    """A row of the table: pieces, each with people's fingerings of it."""

    def __init__(self, name: str, pieces: dict[str, Sequence[Score]]) -> None:
        self.name = name
        self.pieces = pieces
        self.planned = {piece: plan(scores[0]) for piece, scores in pieces.items()}

    def rates(self, hand: Hand | None = None) -> MatchRates:
        """Match rates over all pieces, of one hand or of both."""
        return pool(
            match_rates(self.planned[name], scores, hand=hand)
            for name, scores in self.pieces.items()
        )

    def people(self) -> float | None:
        """How far people agree among themselves, weighted by notes, over pieces with several
        annotators."""
        annotated = [scores for scores in self.pieces.values() if len(scores) > 1]
        rates = [(human_match_rate(scores), len(scores[0])) for scores in annotated]
        if not rates:
            return None
        return sum(rate * notes for rate, notes in rates) / sum(notes for _, notes in rates)

    def hands(self) -> float | None:
        """Share of notes that are given to the written hand when hands are not known, over pieces
        for two hands."""
        same = total = 0
        for scores in self.pieces.values():
            written = [note.hand for note in scores[0].notes]
            if len(set(written)) == 2 and None not in written:
                bare = [replace(note, hand=None, finger=None) for note in scores[0].notes]
                split = split_hands(scores[0].with_notes(bare))
                same += sum(
                    note.hand == hand for note, hand in zip(split.notes, written, strict=True)
                )
                total += len(written)
        return same / total if total else None


def main(args: Args) -> None:
    """Measures, prints and keeps the table."""
    rows = [*pattern_rows(), *repertoire_rows()]
    if args.pig is not None:
        rows.append(Row("PIG", dict(read_pig_folder(args.pig))))
    table = f"{render(rows)}\n\n{literature()}"
    print(table)
    if args.pieces:
        for row in rows:
            print(render(Row(name, {name: scores}) for name, scores in row.pieces.items()))
    args.out.mkdir(parents=True, exist_ok=True)
    write_file(args.out / "table.md", table)
    if args.results:
        body = f"{PROSE}\n\n{table}"
        write_results_page("fingering", TITLE, command_of(__file__, args), body)


def plan(score: Score) -> Score:
    """Fingers as the player assigns them to notes whose hands are known."""
    bare = score.with_notes(replace(note, finger=None) for note in score.notes)
    return assign_fingering(bare, config=FingeringConfig(release_early=True))


def pattern_rows() -> list[Row]:
    """Standard fingerings: scales and arpeggios in all keys that have one, five-finger patterns."""
    scales: dict[str, Sequence[Score]] = {}
    arpeggios: dict[str, Sequence[Score]] = {}
    hanons: dict[str, Sequence[Score]] = {}
    for hand in Hand:
        octave = 3 if hand is Hand.LEFT else 4
        for tonic in TONICS:
            for mode in ("major", "minor"):
                name = f"{tonic}{octave} {mode}"
                scales[name] = [scale(f"{tonic}{octave}", mode, hands=(hand,))]
                broken = arpeggio(f"{tonic}{octave}", mode, hands=(hand,))
                if broken.notes[0].finger is not None:
                    arpeggios[name] = [broken]
        for pattern in HANON:
            hanons[f"{pattern} {hand.name}"] = [hanon_pattern(pattern, hands=(hand,))]
    return [
        Row("scales, all keys (fitted)", scales),
        Row("arpeggios (fitted)", arpeggios),
        Row("Hanon patterns (fitted)", hanons),
    ]


def repertoire_rows() -> list[Row]:
    """The pieces that have fingers, in the two halves."""
    scores = {piece.name: load_piece(piece.name) for piece in list_pieces()}
    fingered = sorted(
        name
        for name, score in scores.items()
        if any(note.finger is not None for note in score.notes)
    )
    halves = {"repertoire (fitted)": fingered[::2], "repertoire (held out)": fingered[1::2]}
    return [Row(title, {name: [scores[name]] for name in names}) for title, names in halves.items()]


def render(rows: Iterable[Row]) -> str:
    """The table in Markdown."""
    head = (
        "fingers",
        "notes",
        "general",
        "right",
        "left",
        "highest",
        "soft",
        "people",
        "hands matched",
    )
    lines = []
    for row in rows:
        rates = row.rates()
        figures = (
            rates.general,
            row.rates(Hand.RIGHT).general,
            row.rates(Hand.LEFT).general,
            rates.highest,
            rates.soft,
            row.people(),
            row.hands(),
        )
        lines.append([row.name, str(rates.notes), *(percent(figure) for figure in figures)])
    return markdown_table(head, lines)


def literature() -> str:
    """Figures of the literature, to compare with."""
    low, high = HIDDEN_MARKOV
    return (
        f"General match rates on PIG in the literature: people among themselves {percent(PEOPLE)}, "
        f"hidden Markov models {percent(low)} to {percent(high)}, Parncutt's rules with learned "
        f"weights {percent(LEARNED_RULES)}."
    )


def percent(share: float | None) -> str:
    """'71.4 %', or a dash where there is no figure."""
    return "-" if share is None or share != share else f"{100 * share:.1f} %"


if __name__ == "__main__":
    run_script(main, Args, __doc__)
