"""The metrics against scikit-learn, mir_eval and cases worked out by hand."""

from __future__ import annotations

import json
import time
import warnings

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from musclehand.core.errors import InvalidValue
from musclehand.music.metrics import match_notes, score_performance
from musclehand.music.score import Note, Score, keyboard_score, piano_roll

NOTES = st.builds(
    lambda onset, pitch, length, velocity: Note(
        onset / 1000, pitch, (onset + length) / 1000, velocity
    ),
    st.integers(0, 1500),
    st.integers(60, 64),
    st.integers(10, 600),
    st.integers(1, 127),
)
SCORES = st.lists(NOTES, max_size=14).map(lambda notes: keyboard_score(Score(tuple(notes))))
SOME = st.lists(NOTES, min_size=1, max_size=14).map(
    lambda notes: keyboard_score(Score(tuple(notes)))
)


def random_score(
    rng: np.random.Generator, num_notes: int, *, seconds: float, pitches: int
) -> Score:
    onsets = rng.uniform(0, seconds, num_notes)
    chosen = rng.integers(60, 60 + pitches, num_notes)
    return Score(
        tuple(
            Note(float(a), int(p), float(a) + 0.3, int(rng.integers(1, 128)))
            for a, p in zip(onsets, chosen, strict=True)
        )
    )


def mir_eval_counts(reference: Score, played: Score, tolerance: float) -> int:
    def hertz(score: Score) -> np.ndarray:
        return mir_eval.util.midi_to_hz(score.pitches.astype(float))

    matching = mir_eval.transcription.match_notes(
        reference.intervals,
        hertz(reference),
        played.intervals,
        hertz(played),
        onset_tolerance=tolerance,
        pitch_tolerance=1.0,
        offset_ratio=None,
    )
    return len(matching)


@settings(max_examples=40, deadline=None)
@given(reference=SCORES, played=SCORES)
def test_frame_figures_agree_with_scikit_learn(reference: Score, played: Score) -> None:
    metrics = score_performance(reference, played)
    num_steps = int(np.ceil(max(reference.duration, played.duration) / 0.05 - 1e-9))
    expected = piano_roll(reference, step=0.05, num_steps=num_steps)
    heard = piano_roll(played, step=0.05, num_steps=num_steps)
    if num_steps == 0:
        assert metrics.frame_f1_mean is None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = [
            precision_recall_fscore_support(a, h, average="binary", zero_division=1)[:3]
            for a, h in zip(expected.astype(int), heard.astype(int), strict=True)
        ]
        micro = precision_recall_fscore_support(
            expected.ravel().astype(int),
            heard.ravel().astype(int),
            average="binary",
            zero_division=np.nan,
        )[:3]
    means = np.mean(steps, axis=0)
    assert (
        metrics.frame_precision_mean,
        metrics.frame_recall_mean,
        metrics.frame_f1_mean,
    ) == pytest.approx(tuple(means))
    ours = (metrics.frame_precision_micro, metrics.frame_recall_micro, metrics.frame_f1_micro)
    assert [None if np.isnan(m) else pytest.approx(m) for m in micro] == list(ours)


@settings(max_examples=60, deadline=None)
@given(reference=SOME, played=SOME)
def test_note_figures_agree_with_mir_eval(reference: Score, played: Score) -> None:
    metrics = score_performance(reference, played)
    hits50, hits100 = (mir_eval_counts(reference, played, tolerance) for tolerance in (0.05, 0.1))
    assert metrics.onset_f1_50ms == pytest.approx(2 * hits50 / (len(reference) + len(played)))
    assert metrics.onset_precision_50ms == pytest.approx(hits50 / len(played))
    assert metrics.onset_recall_50ms == pytest.approx(hits50 / len(reference))
    assert metrics.onset_f1_100ms == pytest.approx(2 * hits100 / (len(reference) + len(played)))
    assert metrics.missed == len(reference) - hits100
    assert metrics.extra == len(played) - hits100


def test_agrees_with_mir_eval_on_dense_repetition_of_few_pitches() -> None:
    rng = np.random.default_rng(3)
    reference = random_score(rng, 400, seconds=20, pitches=3)
    played = random_score(rng, 350, seconds=20, pitches=3)
    for tolerance in (0.05, 0.1):
        matches = match_notes(reference, played, tolerance=tolerance)
        assert len(matches) == mir_eval_counts(reference, played, tolerance)
        for i, j in matches:
            assert reference.notes[i].pitch == played.notes[j].pitch
            assert abs(reference.notes[i].onset - played.notes[j].onset) <= tolerance + 1e-4
        assert (
            len({m.reference for m in matches}) == len({m.played for m in matches}) == len(matches)
        )


def test_matching_has_the_least_error_of_the_largest() -> None:
    reference = Score((Note(1.0, 60, 1.2),))
    stumble = Score((Note(0.95, 60, 0.96), Note(1.001, 60, 1.2)))
    assert match_notes(reference, stumble, tolerance=0.1) == [(0, 1)]
    pair = Score((Note(1.0, 60, 1.02), Note(1.08, 60, 1.2)))
    late = Score((Note(1.06, 60, 1.1), Note(1.17, 60, 1.3)))
    assert match_notes(pair, late, tolerance=0.1) == [(0, 0), (1, 1)]


def velocity_matches(reference: Score, played: Score) -> int:
    """Pairs of mir_eval's matching by onset whose velocities differ by at most 8."""
    hertz = [mir_eval.util.midi_to_hz(score.pitches.astype(float)) for score in (reference, played)]
    matching = mir_eval.transcription.match_notes(
        reference.intervals, hertz[0], played.intervals, hertz[1], pitch_tolerance=1.0,
        offset_ratio=None,
    )  # fmt: skip
    return sum(
        abs(int(reference.velocities[i]) - int(played.velocities[j])) <= 8 for i, j in matching
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 127), st.integers(-30, 30), st.integers(0, 90))))
def test_velocity_f1_is_a_filter_of_the_matching_by_onset(
    rows: list[tuple[int, int, int]],
) -> None:
    """Notes far enough apart that there is one matching only; onsets are late by 0 to 90 ms."""
    reference = Score(
        tuple(Note(0.5 * k, 60 + k % 5, 0.5 * k + 0.2, loud) for k, (loud, _, _) in enumerate(rows))
    )
    played = Score(
        tuple(
            Note(
                0.5 * k + late / 1000,
                60 + k % 5,
                0.5 * k + 0.3,
                min(max(loud + more, 1), 127),
            )
            for k, (loud, more, late) in enumerate(rows)
        )
    )
    expected = velocity_matches(reference, played) / len(rows) if rows else None
    assert score_performance(reference, played).velocity_f1 == expected


def test_velocity_f1_agrees_with_mir_eval_where_its_line_is_the_identity() -> None:
    """Errors that no line explains: each velocity is played once louder and once softer."""
    velocities = [0, 0, 40, 40, 80, 80, 100, 100]
    errors = [3, -3, 14, -14, 4, -4, 13, -13]
    reference = Score(tuple(Note(k, 60, k + 0.5, 10 + loud) for k, loud in enumerate(velocities)))
    played = Score(
        tuple(
            Note(k, 60, k + 0.5, 10 + loud + error)
            for k, (loud, error) in enumerate(zip(velocities, errors, strict=True))
        )
    )
    hertz = mir_eval.util.midi_to_hz(reference.pitches.astype(float))
    # In units of the range of the reference, 100. The line is fitted to the played velocities, so it
    # is a little flatter than the identity; no error is near the limit.
    _, _, theirs, _ = mir_eval.transcription_velocity.precision_recall_f1_overlap(
        reference.intervals, hertz, reference.velocities.astype(float),
        played.intervals, hertz, played.velocities.astype(float),
        offset_ratio=None, velocity_tolerance=0.08,
    )  # fmt: skip
    assert score_performance(reference, played).velocity_f1 == theirs == 0.5


@settings(max_examples=25, deadline=None)
@given(score=SOME)
def test_identity_is_perfect(score: Score) -> None:
    metrics = score_performance(score, score)
    headline = [
        value
        for name, value in metrics.as_dict().items()
        if name.startswith(("frame_", "onset_f", "onset_p"))
    ]
    assert [v for v in headline if v is not None] == [1.0] * len(
        [v for v in headline if v is not None]
    )
    assert metrics.onset_f1_50ms == 1.0
    assert (metrics.missed, metrics.extra, metrics.wrong) == (0, 0, 0)
    assert metrics.onset_error_ms_p95 == 0.0
    assert metrics.velocity_error == 0.0


@settings(max_examples=25, deadline=None)
@given(a=SCORES, b=SCORES)
def test_swapping_the_two_swaps_precision_and_recall(a: Score, b: Score) -> None:
    forth = score_performance(a, b).as_dict()
    back = score_performance(b, a).as_dict()
    for name, value in forth.items():
        if "precision" in name:
            assert value == back[name.replace("precision", "recall")]
        if "_f1_" in name:
            assert value == back[name]
    assert forth["missed"] == back["extra"]
    assert forth["wrong"] == back["wrong"]


def test_silence_has_known_values_and_flatters_rests() -> None:
    reference = Score((Note(0.0, 60, 0.5), Note(1.5, 62, 2.0)))
    metrics = score_performance(reference, Score(()))
    assert metrics.frame_f1_mean == pytest.approx(0.5)
    assert metrics.frame_precision_mean == 1.0
    assert metrics.frame_recall_mean == pytest.approx(0.5)
    assert (metrics.frame_f1_micro, metrics.frame_precision_micro, metrics.frame_recall_micro) == (
        0.0,
        None,
        0.0,
    )
    assert (metrics.onset_f1_50ms, metrics.onset_precision_50ms, metrics.onset_recall_50ms) == (
        0.0,
        None,
        0.0,
    )
    assert metrics.onset_error_ms_median is None
    assert metrics.velocity_error is None
    assert metrics.missed_notes == reference.notes
    assert metrics.baseline_silent.frame_f1_mean == metrics.frame_f1_mean
    assert metrics.baseline_hold_all.frame_recall_mean == 1.0
    assert metrics.baseline_hold_all.frame_precision_micro == pytest.approx(0.5 / 88)
    assert metrics.baseline_hold_all.onset_recall_50ms == pytest.approx(0.5)


def test_two_empty_scores_are_undefined_not_nan() -> None:
    metrics = score_performance(Score(()), Score(()))
    assert (
        metrics.frame_f1_mean
        is metrics.onset_f1_50ms
        is metrics.baseline_hold_all.frame_f1_micro
        is None
    )
    assert "NaN" not in json.dumps(metrics.as_dict())


def test_late_wrong_and_loud_notes_are_reported() -> None:
    reference = Score(
        (
            Note(0.0, 60, 0.4, 60),
            Note(0.5, 64, 0.9, 70),
            Note(1.0, 67, 1.4, 80),
            Note(1.5, 72, 2.0, 90),
        )
    )
    played = Score(
        (
            Note(0.07, 60, 0.4, 70),
            Note(0.5, 65, 0.9, 80),
            Note(1.03, 67, 1.4, 90),
            Note(1.5, 72, 2.0, 100),
        )
    )
    metrics = score_performance(reference, played)
    assert metrics.onset_recall_50ms == pytest.approx(0.5)
    assert metrics.onset_recall_100ms == pytest.approx(0.75)
    assert metrics.onset_error_ms_median == pytest.approx(30)
    assert metrics.onset_error_ms_signed_median == pytest.approx(30)
    assert metrics.velocity_error == pytest.approx(10)
    assert metrics.velocity_correlation == pytest.approx(1.0)
    assert metrics.wrong_notes == ((reference.notes[1], played.notes[1]),)
    plain = metrics.as_dict()
    assert plain["missed_notes"] == [{"time": 0.5, "pitch": "E4"}]
    assert plain["wrong_notes"] == [
        {"time": 0.5, "pitch": "E4", "played": "F4", "played_time": 0.5}
    ]
    json.dumps(plain)


def test_step_must_be_positive() -> None:
    with pytest.raises(InvalidValue, match="frame step"):
        score_performance(Score(()), Score(()), step=0.0)


def test_ten_thousand_notes_and_a_long_tremolo_are_quick() -> None:
    rng = np.random.default_rng(0)
    reference = keyboard_score(random_score(rng, 10_000, seconds=840, pitches=40))
    played = reference.with_notes(
        Note(n.onset + abs(rng.normal(0, 0.02)), n.pitch, n.offset + 0.2) for n in reference.notes
    )
    tremolo = Score(tuple(Note(0.08 * k, 60, 0.08 * k + 0.05) for k in range(5000)))
    shifted = tremolo.with_notes(Note(n.onset + 0.035, 60, n.offset + 0.035) for n in tremolo.notes)
    start = time.process_time()
    assert score_performance(reference, played).onset_f1_100ms > 0.99
    assert score_performance(tremolo, shifted).onset_f1_50ms == 1.0
    assert time.process_time() - start < 6
