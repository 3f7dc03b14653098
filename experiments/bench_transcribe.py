"""Notes, velocities and pedals heard in recordings, beside what was played.

    python experiments/bench_transcribe.py
    python experiments/bench_transcribe.py performances recordings --every 4 --results

Bundled pieces are synthesised and transcribed. Folders hold MIDI files: one with a recording of the
same name beside it is compared with that, any other is synthesised. Note F1 is that of mir_eval
(onsets within 50 ms). It needs `pip install "musclehand[transcribe,test]"`. Results on file are not
computed again.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tyro

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue
from musclehand.music.dynamics import shape_dynamics
from musclehand.music.formats.reading import read_score
from musclehand.music.metrics import match_notes
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Pedal, Score, keyboard_score
from musclehand.music.synth import synthesise
from musclehand.watch.sound import RATE
from musclehand.watch.transcribe import transcribe
from musclehand.watch.transkun_model import TranskunModel

TITLE = "Transcription"

PROSE = """\
Notes, velocities and pedals that `musclehand transcribe` hears. *Synthesised*: excerpts of bundled
pieces (with phrases and accents of `musclehand.music.dynamics`) and of MIDI files, played by the
built-in synthesiser, as written and softly (velocities times {soft:g}). *Recorded*: recordings with
a MIDI file beside them. Where that is the work of another transcriber, figures are the agreement of
the two. Note F1 is that of mir_eval within 50 ms; *with release*, the release has to agree within
50 ms or 20 % of the note as well. The lag is the median of heard minus played onsets: strings of
the synthesiser sound at the written onset, those of the pianos that the network learnt from some
milliseconds later. The spread is the 95th percentile of distances from the lag. Velocity r is over
notes that were heard. Rank r is Spearman's, which no monotone map of velocities changes. Velocity
errors are mean absolute ones; *mapped* are those in the second half of a recording after a linear
map that is fitted to the first half, which needs played velocities. The sustain pedal's F1 is over
time, and silence scores 0. Speed is in multiples of real time on this machine."""

PIECES = (
    "fuer_elise",
    "bach_prelude_in_c",
    "chopin_prelude_in_a",
    "entertainer",
    "arabesque",
)

SOFT = 0.6
"""Factor of velocities in the soft setting."""

TOLERANCE = 0.05
"""[s] Of onsets."""

PEDAL_STEP = 0.01
"""[s] Step in which pedals are compared."""

SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".m4a")
"""Suffixes of recordings."""


@dataclass(frozen=True)
class Args:
    """What to hear and where to keep the results."""

    folders: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of MIDI files, with recordings beside some of them."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    seconds: float = 20.0
    """Of each excerpt that is synthesised."""

    every: int = 1
    """Take every nth MIDI file of those that are synthesised."""

    seed: int = 25
    """Of the pieces' dynamics."""

    out: Path = Path("runs/bench_transcribe")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


class Task(NamedTuple):
    """Something to hear."""

    name: str
    """Of the excerpt and its setting."""

    kind: str
    """Synthesised or recorded, and how."""

    score: Score
    """What was played."""

    recording: Path | None
    """The recording; None is synthesised."""


@dataclass(frozen=True)
class Row:
    """Figures of one recording."""

    name: str
    """Of the task."""

    kind: str
    """Of the task."""

    notes: int
    """Number of notes played."""

    heard: int
    """Number of notes heard."""

    f1: float
    """Of onsets within 50 ms."""

    precision: float
    """Share of heard notes that were played."""

    recall: float
    """Share of played notes that were heard."""

    f1_release: float
    """Of onsets and releases."""

    lag_ms: float
    """Median of heard minus played onsets."""

    spread_ms: float
    """95th percentile of distances from the lag."""

    velocities: list[tuple[int, int]]
    """Played and heard velocities of the notes that were heard."""

    pedals: tuple[int, int]
    """Spans of the sustain pedal, played and heard."""

    pedal_f1: float
    """Of the time that the pedal is down."""

    seconds: float
    """[s] Length of the sound."""

    cost: float
    """[s] Time that hearing took."""


def main(args: Args) -> None:
    """Hears what has not been heard yet, prints the tables."""
    args.out.mkdir(parents=True, exist_ok=True)
    model = None
    rows = []
    for task in all_tasks(args):
        path = args.out / f"{task.name}.json"
        if not path.exists():
            model = model or TranskunModel()
            row = hear(task, model)
            write_file(path, json.dumps(dataclasses.asdict(row), indent=1))
        row = Row(**json.loads(path.read_text(encoding="utf-8")))
        rows.append(row)
        print(f"{row.name}: F1 {row.f1:.3f}, {row.seconds / row.cost:.2f} x real time", flush=True)
    tables = render(rows)
    print(tables)
    if args.results:
        prose = PROSE.format(soft=SOFT)
        write_results_page(
            "transcription", TITLE, command_of(__file__, args), f"{prose}\n\n{tables}"
        )


def all_tasks(args: Args) -> Iterator[Task]:
    """Pieces, MIDI files that are synthesised, and recordings."""
    for number, name in enumerate(args.pieces):
        piece = load_piece(name).clip(0, args.seconds)
        score = shape_dynamics(keyboard_score(piece), np.random.default_rng([args.seed, number]))
        yield from synthesised(name, score)
    files = [path for folder in args.folders for path in sorted(folder.glob("*.mid"))]
    if args.folders and not files:
        raise InvalidValue("folders", [str(path) for path in args.folders], "ones with .mid files")
    silent = [path for path in files if recording_of(path) is None]
    for path in silent[:: args.every]:
        yield from synthesised(path.stem, keyboard_score(read_score(path).clip(0, args.seconds)))
    for path in files:
        sound = recording_of(path)
        if sound is not None:
            yield Task(path.stem, "recorded", read_score(path), sound)


def synthesised(name: str, score: Score) -> Iterator[Task]:
    """A score as written, and softly."""
    soft = [
        dataclasses.replace(note, velocity=max(1, round(SOFT * note.velocity)))
        for note in score.notes
    ]
    yield Task(name, "synthesised", score, None)
    yield Task(f"{name}_soft", "synthesised, soft", score.with_notes(soft), None)


def recording_of(path: Path) -> Path | None:
    """The recording beside a MIDI file."""
    sounds = [path.with_suffix(suffix) for suffix in SOUNDS]
    return next((sound for sound in sounds if sound.exists()), None)


def hear(task: Task, model: TranskunModel) -> Row:
    """Transcribes the sound of a task."""
    sound: Any = task.recording
    if sound is None:
        sound = np.ascontiguousarray(synthesise(task.score, sample_rate=RATE))
    ends: list[float] = []
    begin = time.perf_counter()
    heard = transcribe(sound, model=model, progress=lambda done, total: ends.append(done))
    return compare(task, heard, ends[-1], time.perf_counter() - begin)


def compare(task: Task, heard: Score, seconds: float, cost: float) -> Row:
    """Figures of what was heard.

    Args:
        task: what was played.
        heard: what was heard.
        seconds: length of the sound [s].
        cost: time that hearing took [s].
    """
    score = task.score
    onsets = mir_eval_figures(score, heard, release=None)
    pairs = match_notes(score, heard, tolerance=TOLERANCE)
    late = np.array([heard.notes[j].onset - score.notes[i].onset for i, j in pairs])
    lag = float(np.median(late)) if len(late) else np.nan
    spread = float(np.percentile(np.abs(late - lag), 95)) if len(late) else np.nan
    return Row(
        name=task.name,
        kind=task.kind,
        notes=len(score),
        heard=len(heard),
        f1=onsets[2],
        precision=onsets[0],
        recall=onsets[1],
        f1_release=mir_eval_figures(score, heard, release=0.2)[2],
        lag_ms=1e3 * lag,
        spread_ms=1e3 * spread,
        velocities=[(score.notes[i].velocity, heard.notes[j].velocity) for i, j in pairs],
        pedals=(len(score.pedals), len(heard.pedals)),
        pedal_f1=pedal_f1(score.pedals, heard.pedals, seconds),
        seconds=seconds,
        cost=cost,
    )


def mir_eval_figures(
    score: Score, heard: Score, *, release: float | None
) -> tuple[float, float, float]:
    """Precision, recall and F1 of mir_eval; with a release, that has to agree within this share of
    the note or 50 ms as well."""
    from mir_eval.transcription import precision_recall_f1_overlap
    from mir_eval.util import midi_to_hz

    if not len(score) or not len(heard):
        return 0.0, 0.0, 0.0
    figures = precision_recall_f1_overlap(
        score.intervals,
        midi_to_hz(score.pitches),
        heard.intervals,
        midi_to_hz(heard.pitches),
        onset_tolerance=TOLERANCE,
        offset_ratio=release,
    )
    return float(figures[0]), float(figures[1]), float(figures[2])


def pedal_f1(played: Sequence[Pedal], heard: Sequence[Pedal], seconds: float) -> float:
    """F1 of the time that the pedal is down; 1 where both never are."""
    times = np.arange(0.0, seconds, PEDAL_STEP)
    first, second = (
        np.any([(p.start <= times) & (times < p.end) for p in pedals] or [times < 0], axis=0)
        for pedals in (played, heard)
    )
    total = first.sum() + second.sum()
    return float(2 * (first & second).sum() / total) if total else 1.0


def render(rows: Sequence[Row]) -> str:
    """Tables of means by kind, and of all recordings."""
    kinds = dict.fromkeys(row.kind for row in rows)
    head = ["", "recordings", "notes", "note F1", "precision", "recall", "F1 with release"]
    head += [
        "lag ms",
        "spread ms",
        "velocity r",
        "rank r",
        "velocity error",
        "mapped",
        "pedal F1",
        "speed",
    ]
    means = [_cells(kind, [row for row in rows if row.kind == kind]) for kind in kinds]
    single = [_cells(f"{row.name}", [row]) for row in rows]
    parts = [markdown_table(head, means), "All recordings:", markdown_table(head, single)]
    return "\n\n".join(parts)


def _cells(name: str, rows: Sequence[Row]) -> list[str]:
    """Means over recordings; those of notes are over all notes."""
    notes = sum(row.notes for row in rows)
    heard = sum(row.heard for row in rows)
    hits = sum(row.recall * row.notes for row in rows)
    correlations = [velocity_figures(row.velocities) for row in rows]
    pedals = [row.pedal_f1 for row in rows if any(row.pedals)]
    return [
        name,
        str(len(rows)),
        str(notes),
        f"{2 * hits / (notes + heard):.3f}",
        f"{hits / max(heard, 1):.3f}",
        f"{hits / max(notes, 1):.3f}",
        f"{np.mean([row.f1_release for row in rows]):.3f}",
        f"{np.mean([row.lag_ms for row in rows]):.1f}",
        f"{np.mean([row.spread_ms for row in rows]):.1f}",
        f"{np.mean([c[0] for c in correlations]):.2f}",
        f"{np.mean([c[1] for c in correlations]):.2f}",
        f"{np.mean([c[2] for c in correlations]):.1f}",
        f"{np.mean([mapped_error(row.velocities) for row in rows]):.1f}",
        f"{np.mean(pedals):.2f}" if pedals else "none",
        f"{sum(row.seconds for row in rows) / sum(row.cost for row in rows):.2f}",
    ]


def velocity_figures(pairs: Sequence[tuple[int, int]]) -> tuple[float, float, float]:
    """Pearson's and Spearman's correlation, and mean absolute error of velocities."""
    from scipy.stats import rankdata

    played, heard = np.array(pairs, dtype=float).reshape(-1, 2).T
    if len(played) < 3 or np.ptp(played) == 0 or np.ptp(heard) == 0:
        return np.nan, np.nan, float(np.abs(heard - played).mean()) if len(played) else np.nan
    linear = np.corrcoef(played, heard)[0, 1]
    ranks = np.corrcoef(rankdata(played), rankdata(heard))[0, 1]
    return float(linear), float(ranks), float(np.abs(heard - played).mean())


def mapped_error(pairs: Sequence[tuple[int, int]]) -> float:
    """Mean absolute error in the second half, after a linear map that the first half gives."""
    played, heard = np.array(pairs, dtype=float).reshape(-1, 2).T
    half = len(played) // 2
    if half < 2 or np.ptp(heard[:half]) == 0:
        return np.nan
    line = np.polyfit(heard[:half], played[:half], 1)
    return float(np.abs(np.polyval(line, heard[half:]) - played[half:]).mean())


if __name__ == "__main__":
    run_script(main, Args, __doc__)
