"""How well a performance matches its score. This docstring is the specification.

Two scores are compared: the `reference` (the notes to be played; pass it through `keyboard_score`
first, so that a keyboard can play it) and the `played` one (the notes that the keys reported).
Times are not aligned: a late performance is late. The sustain pedal is judged by what it makes
sound (`heard_*`), and by nothing else.

Frame level
    Both scores become piano rolls of `step` seconds (20 Hz by default) that cover the longer of the
    two. `frame_*_mean` is RoboPianist's definition (Zakka et al., CoRL 2023): in every step the 88
    keys are a binary classification whose precision, recall and F1 are 1 where their denominator is
    0, and the steps are averaged. A silent step played silently counts as 1, so pieces with rests
    flatter every player: compare with the baselines. `frame_*_micro` counts over all steps and keys
    at once (HandelBot, Xie et al. 2026); silence earns nothing.

Heard
    `heard_frame_f1_mean` and `heard_frame_f1_micro` are the same figures of what sounds, and not of
    the keys: a note ends where its damper falls (`music.sounding`). Each of the two scores sounds
    with its own pedal. Under a pedal, a key that is let go early costs nothing, and a key that was
    brushed sounds on.

Note level
    A played note can be matched with a reference note of the same pitch whose onset differs by at
    most the tolerance; each note is matched once, as many as possible, and among all such matchings
    the one with the smallest sum of absolute onset errors is taken. Offsets and velocities do not
    decide. Counts agree with `mir_eval.transcription.match_notes(..., offset_ratio=None)`, onset
    distances rounded to 0.1 ms as there. `onset_*_50ms` is the standard of the transcription field,
    `onset_*_100ms` is more forgiving.

    `velocity_f1` is Velocity F1 as it is published for piano-playing policies (CANTABILE, Kim, Choi
    and Im 2026, arXiv 2609.18213): a pair matched within 50 ms counts if its MIDI velocities differ
    by at most 8. The order is that of the transcription field (Hawthorne et al. 2018,
    `mir_eval.transcription_velocity`): notes are matched by pitch and onset first, then pairs of
    different velocity are dropped. The rescaling there is left out. It fits played to written
    velocities by a straight line, for recordings whose gain nobody knows. Here a performance at
    other velocities is louder or softer than asked.

Read off the matching at 100 ms
    `onset_error_ms_*` over the matched pairs: median and 95th percentile of the absolute error, and
    the median of played minus reference onset (positive is late). `velocity_error`: mean absolute
    difference in MIDI velocity; `velocity_correlation`: Pearson's r, from 3 pairs on. `missed`
    reference notes and `extra` played notes are those left unmatched; a missed and an extra note
    within 100 ms of each other are also listed as one `wrong` note, each used once, nearest pitches
    first.

Baselines
    The same figures for playing nothing and for holding all 88 keys from 0 to the end of the
    reference.

Where this differs from its sources
    - RoboPianist with scikit-learn 1.3 gave F1 = 1 to a step in which only wrong keys were down;
      here, as in every other version, that is 0.
    - mir_eval gives 0 for precision when nothing is played, and for everything when the reference
      is empty. Here a figure whose denominator is 0 is `None`: precision without played notes,
      recall without reference notes, F1 without either. The same holds for the micro figures, and
      for `frame_*_mean` when there are no steps.
    - mir_eval compares pitches within 50 cents; keys are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH, pitch_name
from musclehand.music.score import Note, Score, piano_roll
from musclehand.music.sounding import sounding_score

WIDE_TOLERANCE = 0.1
"""[s] Onset tolerance of the errors, lists of notes and `*_100ms` figures."""

STRICT_TOLERANCE = 0.05
"""[s] Onset tolerance of the `*_50ms` figures: that of MIREX and mir_eval."""

VELOCITY_TOLERANCE = 8
"""[MIDI velocity] Largest difference of a pair that counts for `velocity_f1`: that of CANTABILE."""

STEP = 0.05
"""[s] Length of a frame: RoboPianist's 20 Hz."""

Figure = float | None
"""A figure of merit; `None` where its denominator is 0."""


class NoteMatch(NamedTuple):
    """A matched pair of notes."""

    reference: int
    """Index into `reference.notes`."""

    played: int
    """Index into `played.notes`."""


class WrongNote(NamedTuple):
    """Another key struck in place of the expected one."""

    expected: Note
    """Missed note of the reference."""

    played: Note
    """Extra note struck within 100 ms of it."""


@dataclass(frozen=True)
class AgreementFigures:
    """Frame-level and note-level agreement; the module docstring defines every figure.

    All are between 0 and 1, or `None` where they are undefined.
    """

    frame_f1_mean: Figure
    """Frame F1, averaged over steps (RoboPianist)."""

    frame_precision_mean: Figure
    """Frame precision, averaged over steps."""

    frame_recall_mean: Figure
    """Frame recall, averaged over steps."""

    frame_f1_micro: Figure
    """Frame F1, counted over all steps and keys (HandelBot)."""

    frame_precision_micro: Figure
    """Frame precision, counted over all steps and keys."""

    frame_recall_micro: Figure
    """Frame recall, counted over all steps and keys."""

    onset_f1_50ms: Figure
    """Note F1 by onsets within 50 ms."""

    onset_precision_50ms: Figure
    """Share of the played notes that match within 50 ms."""

    onset_recall_50ms: Figure
    """Share of the reference notes that match within 50 ms."""

    onset_f1_100ms: Figure
    """Note F1 by onsets within 100 ms."""

    onset_precision_100ms: Figure
    """Share of the played notes that match within 100 ms."""

    onset_recall_100ms: Figure
    """Share of the reference notes that match within 100 ms."""

    heard_frame_f1_mean: Figure
    """Frame F1 of what is heard, keys and pedal, averaged over steps."""

    heard_frame_f1_micro: Figure
    """Frame F1 of what is heard, keys and pedal, counted over all steps and keys."""

    velocity_f1: Figure
    """Note F1 by onsets within 50 ms and MIDI velocities within 8."""


@dataclass(frozen=True)
class PerformanceMetrics(AgreementFigures):
    """All figures of `score_performance`; `None` where a figure is undefined."""

    onset_error_ms_median: Figure
    """[ms] Median absolute onset error of the notes matched within 100 ms."""

    onset_error_ms_p95: Figure
    """[ms] 95th percentile of the absolute onset error."""

    onset_error_ms_signed_median: Figure
    """[ms] Median of played minus reference onset; positive is late."""

    velocity_error: Figure
    """Mean absolute difference of MIDI velocity over matched notes."""

    velocity_correlation: Figure
    """Pearson's r of MIDI velocities over matched notes, from 3 notes on."""

    num_reference: int
    """Notes of the reference."""

    num_played: int
    """Notes played."""

    missed: int
    """Reference notes without a match within 100 ms."""

    extra: int
    """Played notes without a match within 100 ms."""

    wrong: int
    """Missed notes in whose place another key was struck."""

    missed_notes: tuple[Note, ...]
    """The missed notes."""

    extra_notes: tuple[Note, ...]
    """The extra notes."""

    wrong_notes: tuple[WrongNote, ...]
    """Pairs of a missed and an extra note."""

    baseline_silent: AgreementFigures
    """Figures of a performance without any note."""

    baseline_hold_all: AgreementFigures
    """Figures of all 88 keys held throughout."""

    def as_dict(self) -> dict[str, object]:
        """Plain numbers, strings, lists and dicts for JSON; notes become a time [s] and a pitch
        name, and where they were played a MIDI velocity."""
        plain: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["missed_notes"] = [_describe(note) for note in self.missed_notes]
        plain["extra_notes"] = [
            {**_describe(note), "velocity": note.velocity} for note in self.extra_notes
        ]
        plain["wrong_notes"] = [
            {
                **_describe(pair.expected),
                "played": pitch_name(pair.played.pitch),
                "played_time": pair.played.onset,
            }
            for pair in self.wrong_notes
        ]
        plain["baseline_silent"] = asdict(self.baseline_silent)
        plain["baseline_hold_all"] = asdict(self.baseline_hold_all)
        return plain


def score_performance(reference: Score, played: Score, *, step: float = STEP) -> PerformanceMetrics:
    """Compare a performance with its reference.

    Args:
        reference: the score to be played, as one keyboard can play it (`keyboard_score`).
        played: the notes that sounded, on the same clock.
        step: length of a frame [s].

    Raises:
        InvalidValue: the step is not a positive finite number.
    """
    if not (math.isfinite(step) and step > 0):
        raise InvalidValue("frame step", step, "a finite number of seconds above 0")
    matches = match_notes(reference, played, tolerance=WIDE_TOLERANCE)
    matched_reference = {match.reference for match in matches}
    matched_played = {match.played for match in matches}
    missed = tuple(note for i, note in enumerate(reference.notes) if i not in matched_reference)
    extra = tuple(note for i, note in enumerate(played.notes) if i not in matched_played)
    wrong = _pair_wrong_notes(missed, extra)
    pairs = np.array(matches, dtype=int).reshape(-1, 2)
    return PerformanceMetrics(
        **asdict(_agreement_figures(reference, played, step=step)),
        **_onset_errors(reference, played, pairs),
        **_velocity_errors(reference, played, pairs),
        num_reference=len(reference),
        num_played=len(played),
        missed=len(missed),
        extra=len(extra),
        wrong=len(wrong),
        missed_notes=missed,
        extra_notes=extra,
        wrong_notes=wrong,
        baseline_silent=_agreement_figures(reference, Score(()), step=step),
        baseline_hold_all=_agreement_figures(
            reference, _all_keys_held(reference.duration), step=step
        ),
    )


def match_notes(reference: Score, played: Score, *, tolerance: float) -> list[NoteMatch]:
    """Match notes one to one by pitch and onset, as `mir_eval.transcription.match_notes` does.

    The result is a largest matching; among these, it has the smallest sum of absolute onset errors.
    It is solved exactly pitch by pitch (notes of different pitches never compete).

    Args:
        reference: the notes to be played.
        played: the notes that sounded, on the same clock.
        tolerance: largest onset difference of a pair [s].

    Returns:
        The pairs in the order of the reference.
    """
    matches: list[NoteMatch] = []
    reference_pitches = reference.pitches
    played_pitches = played.pitches
    for pitch in np.intersect1d(reference_pitches, played_pitches):
        rows = np.flatnonzero(reference_pitches == pitch)
        columns = np.flatnonzero(played_pitches == pitch)
        pairs = _match_onsets(reference.intervals[rows, 0], played.intervals[columns, 0], tolerance)
        matches.extend(NoteMatch(int(rows[i]), int(columns[j])) for i, j in pairs)
    return sorted(matches)


def _match_onsets(
    reference: np.ndarray, played: np.ndarray, tolerance: float
) -> list[tuple[int, int]]:
    """The best matching of two sorted lists of onsets of one pitch."""
    reach = tolerance + 1e-4  # no pair further apart can pass the rounded comparison
    first = np.searchsorted(played, reference - reach)
    count = np.searchsorted(played, reference + reach, side="right") - first
    rows = np.repeat(np.arange(len(reference)), count)
    columns = (
        np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    )
    error = np.abs(reference[rows] - played[columns])
    allowed = np.around(error, 4) <= tolerance
    rows = rows[allowed]
    columns = columns[allowed]
    error = error[allowed]
    # Most notes have a single candidate that no other note competes for: they are matched at once.
    alone = (np.bincount(rows, minlength=1)[rows] == 1) & (
        np.bincount(columns, minlength=1)[columns] == 1
    )
    pairs = list(zip(rows[alone].tolist(), columns[alone].tolist(), strict=True))
    return pairs + _assign(rows[~alone], columns[~alone], error[~alone])


def _assign(rows: np.ndarray, columns: np.ndarray, error: np.ndarray) -> list[tuple[int, int]]:
    """Largest, then cheapest matching of notes that compete, from the list of allowed pairs.

    An assignment problem on a sparse graph. Every reference note also has a private column that
    stands for a miss; it costs more than all onset errors together, so no extra miss ever pays.
    """
    if len(rows) == 0:
        return []
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    row_names, row = np.unique(rows, return_inverse=True)
    column_names, column = np.unique(columns, return_inverse=True)
    num_rows = len(row_names)
    num_columns = len(column_names)
    every_row = np.arange(num_rows)
    # The solver takes 0 for "no edge", so all costs are raised by 1; each row uses one edge, the
    # optimum stays.
    cost = np.concatenate([1.0 + error, np.full(num_rows, 2.0 + error.sum())])
    where = (np.concatenate([row, every_row]), np.concatenate([column, num_columns + every_row]))
    graph = csr_array((cost, where), shape=(num_rows, num_columns + num_rows))
    chosen = zip(*min_weight_full_bipartite_matching(graph), strict=True)
    return [(int(row_names[i]), int(column_names[j])) for i, j in chosen if j < num_columns]


def _agreement_figures(reference: Score, played: Score, *, step: float) -> AgreementFigures:
    mean, micro = _frame_figures(reference, played, step=step)
    heard_mean, heard_micro = _frame_figures(
        sounding_score(reference), sounding_score(played), step=step
    )
    strict = match_notes(reference, played, tolerance=STRICT_TOLERANCE)
    wide = match_notes(reference, played, tolerance=WIDE_TOLERANCE)
    pairs = np.array(strict, dtype=int).reshape(-1, 2)
    louder = played.velocities[pairs[:, 1]] - reference.velocities[pairs[:, 0]]
    as_loud = int((np.abs(louder) <= VELOCITY_TOLERANCE).sum())
    return AgreementFigures(
        *mean,
        *micro,
        *_f1_precision_recall(len(strict), len(reference), len(played)),
        *_f1_precision_recall(len(wide), len(reference), len(played)),
        heard_frame_f1_mean=heard_mean[0],
        heard_frame_f1_micro=heard_micro[0],
        velocity_f1=_f1_precision_recall(as_loud, len(reference), len(played))[0],
    )


_Figures = tuple[Figure, Figure, Figure]
"""F1, precision and recall."""


def _frame_figures(reference: Score, played: Score, *, step: float) -> tuple[_Figures, _Figures]:
    """Mean and micro figures of the keys that are down in each step."""
    num_steps = math.ceil(max(reference.duration, played.duration) / step - 1e-9)
    reference_roll = piano_roll(reference, step=step, num_steps=num_steps)
    played_roll = piano_roll(played, step=step, num_steps=num_steps)
    hits = int((reference_roll & played_roll).sum())
    return (
        _mean_over_steps(reference_roll, played_roll),
        _f1_precision_recall(hits, int(reference_roll.sum()), int(played_roll.sum())),
    )


def _mean_over_steps(reference: np.ndarray, played: np.ndarray) -> _Figures:
    """RoboPianist's F1, precision and recall from two rolls of shape (num_steps, 88)."""
    if len(reference) == 0:
        return None, None, None
    hits = (reference & played).sum(axis=1)
    num_reference = reference.sum(axis=1)
    num_played = played.sum(axis=1)
    precision = np.where(num_played > 0, hits / np.maximum(num_played, 1), 1.0)
    recall = np.where(num_reference > 0, hits / np.maximum(num_reference, 1), 1.0)
    total = num_reference + num_played
    f1 = np.where(total > 0, 2 * hits / np.maximum(total, 1), 1.0)
    return float(f1.mean()), float(precision.mean()), float(recall.mean())


def _f1_precision_recall(hits: int, num_reference: int, num_played: int) -> _Figures:
    """F1, precision and recall from counts; None where the denominator is 0."""
    total = num_reference + num_played
    f1 = 2 * hits / total if total else None
    precision = hits / num_played if num_played else None
    recall = hits / num_reference if num_reference else None
    return f1, precision, recall


def _onset_errors(reference: Score, played: Score, pairs: np.ndarray) -> dict[str, Figure]:
    names = ("onset_error_ms_median", "onset_error_ms_p95", "onset_error_ms_signed_median")
    if len(pairs) == 0:
        return dict.fromkeys(names)
    late = 1000 * (played.intervals[pairs[:, 1], 0] - reference.intervals[pairs[:, 0], 0])
    values = np.median(np.abs(late)), np.percentile(np.abs(late), 95), np.median(late)
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _velocity_errors(reference: Score, played: Score, pairs: np.ndarray) -> dict[str, Figure]:
    if len(pairs) == 0:
        return {"velocity_error": None, "velocity_correlation": None}
    expected = reference.velocities[pairs[:, 0]].astype(float)
    sounded = played.velocities[pairs[:, 1]].astype(float)
    varies = len(pairs) >= 3 and np.ptp(expected) > 0 and np.ptp(sounded) > 0
    return {
        "velocity_error": float(np.abs(sounded - expected).mean()),
        "velocity_correlation": float(np.corrcoef(expected, sounded)[0, 1]) if varies else None,
    }


def _pair_wrong_notes(missed: tuple[Note, ...], extra: tuple[Note, ...]) -> tuple[WrongNote, ...]:
    """Missed and extra notes struck at about the same time, nearest pitches first, each note in
    one pair."""
    onsets = np.array([note.onset for note in extra])
    candidates: list[tuple[int, float, int, int]] = []
    for i, note in enumerate(missed):
        first, last = np.searchsorted(
            onsets, [note.onset - WIDE_TOLERANCE, note.onset + WIDE_TOLERANCE + 1e-9]
        )
        for j in range(first, last):
            candidates.append(
                (abs(extra[j].pitch - note.pitch), abs(extra[j].onset - note.onset), i, j)
            )
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(candidates):
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    return tuple(WrongNote(missed[i], extra[j]) for i, j in sorted(partner.items()))


def _all_keys_held(duration: float) -> Score:
    if duration <= 0:
        return Score(())
    pitches: Iterable[int] = range(LOWEST_PITCH, HIGHEST_PITCH + 1)
    return Score(tuple(Note(0.0, pitch, duration) for pitch in pitches))


def _describe(note: Note) -> dict[str, object]:
    return {"time": note.onset, "pitch": pitch_name(note.pitch)}
