"""Fingers found by the planner against people's: match rates on the repertoire, standard patterns
and PIG.

    python experiments/bench_fingering.py
    python experiments/bench_fingering.py --pig PianoFingeringDataset_v1.2     your copy of the PIG data set
    python experiments/bench_fingering.py --readme                             the table into README.md

Fingers are taken off before planning and hands are kept, as in the literature's measurements. The
weights of the search were set on the standard patterns and on every other repertoire piece with
fingers (by name); the rest is held out. The weights of the division between hands were set on the
whole repertoire: the last column shows a fit. The repertoire's fingers are those typed with the
pieces, one person's. PIG has to be asked for at its authors' page and is not distributed with this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from readme_table import put_table

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

MARK = "fingering table"
TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
HANON = (
    (1, 2, 5, 4, 3, 4, 3, 2),
    (1, 2, 3, 4, 5, 4, 3, 2),
    (1, 3, 2, 4, 3, 5, 4, 3),
    (1, 5, 2, 5, 3, 5, 4, 5),
)


@dataclass(frozen=True)
class Args:
    """What to measure on, and where the table goes."""

    pig: Path | None = None
    """folder of your copy of the PIG data set"""
    out: Path = Path("runs/bench_fingering")
    """folder of the table"""
    pieces: bool = False
    """a line for each piece, too"""
    readme: bool = False
    """put the table into README.md"""


class Row:
    """A line of the table: pieces, each with people's fingerings of it."""

    def __init__(self, name: str, pieces: dict[str, Sequence[Score]]) -> None:
        self.name = name
        self.pieces = pieces
        self.planned = {piece: plan(scores[0]) for piece, scores in pieces.items()}

    def rates(self, hand: Hand | None = None) -> MatchRates:
        """Over all pieces."""
        return pool(
            match_rates(self.planned[name], scores, hand=hand)
            for name, scores in self.pieces.items()
        )

    def people(self) -> float | None:
        """How far people agree among themselves, over pieces with several annotators, weighted
        by notes."""
        several = [scores for scores in self.pieces.values() if len(scores) > 1]
        pairs = [(human_match_rate(scores), len(scores[0])) for scores in several]
        return (
            sum(rate * notes for rate, notes in pairs) / sum(notes for _, notes in pairs)
            if pairs
            else None
        )

    def hands(self) -> tuple[int, int]:
        """Notes of two-hand pieces whose hand is found when none is given, and all notes of
        those pieces."""
        same = total = 0
        for scores in self.pieces.values():
            written = [note.hand for note in scores[0].notes]
            if len(set(written)) == 2 and None not in written:
                found = split_hands(
                    scores[0].with_notes(
                        replace(n, hand=None, finger=None) for n in scores[0].notes
                    )
                )
                same += sum(a.hand == b for a, b in zip(found.notes, written, strict=True))
                total += len(written)
        return same, total


def main(args: Args) -> None:
    """Measures, prints and keeps the table."""
    rows = [*pattern_rows(), *repertoire_rows()]
    if args.pig is not None:
        rows.append(Row("PIG", dict(read_pig_folder(args.pig))))
    table = render(rows)
    print(table)
    if args.pieces:
        for row in rows:
            print(render(Row(name, {name: scores}) for name, scores in row.pieces.items()))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "table.md").write_text(table)
    if args.readme:
        put_table(MARK, table)


def plan(score: Score) -> Score:
    """Fingers as the player would have them, for notes whose hands are known."""
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
    names = ("scales, all keys (set)", "arpeggios (set)", "Hanon patterns (set)")
    return [
        Row(name, pieces) for name, pieces in zip(names, (scales, arpeggios, hanons), strict=True)
    ]


def repertoire_rows() -> list[Row]:
    """The pieces that have fingers, in the two halves, and all."""
    scores = {piece.name: load_piece(piece.name) for piece in list_pieces()}
    fingered = sorted(
        name for name, score in scores.items() if any(n.finger is not None for n in score.notes)
    )
    halves = {"repertoire (set)": fingered[::2], "repertoire (held out)": fingered[1::2]}
    return [Row(title, {name: [scores[name]] for name in names}) for title, names in halves.items()]


def render(rows: Iterable[Row]) -> str:
    """The table in Markdown, and the yardsticks."""
    columns = (
        "fingers",
        "notes",
        "general",
        "right",
        "left",
        "highest",
        "soft",
        "people",
        "hands found",
    )
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        whole = row.rates()
        right = row.rates(Hand.RIGHT)
        left = row.rates(Hand.LEFT)
        same, total = row.hands()
        figures = (
            whole.general,
            right.general,
            left.general,
            whole.highest,
            whole.soft,
            row.people(),
        )
        cells = [row.name, str(whole.notes), *(_percent(figure) for figure in figures)]
        lines.append("| " + " | ".join([*cells, _percent(same / total if total else None)]) + " |")
    low, high = HIDDEN_MARKOV
    lines += [
        "",
        f"General match rates on PIG in the literature: people among themselves {_percent(PEOPLE)}, hidden Markov "
        f"models {_percent(low)} to {_percent(high)}, Parncutt's rules with learned weights {_percent(LEARNED_RULES)}.",
    ]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    """'71.4 %', or a dash where there is nothing to tell."""
    return "-" if share is None or share != share else f"{100 * share:.1f} %"


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
