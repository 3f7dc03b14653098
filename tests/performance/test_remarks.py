"""What a performance says besides its metrics: brushed keys, and no limit that was overcome."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from musclehand.controllers.keyboard import KeyboardController
from musclehand.music.metrics import score_performance
from musclehand.music.score import Note, Score
from musclehand.performance.remarks import performance_remarks
from musclehand.planning.fingering.assign import assign_fingering


def test_every_key_that_was_brushed_is_told() -> None:
    score = Score((Note(0.0, 60, 0.5), Note(0.5, 64, 1.0)), remarks=("from the reader",))
    player = KeyboardController(score)
    played = Score((*score.notes, Note(0.25, 61, 0.3, 12), Note(0.7, 66, 0.8, 50)))
    metrics = score_performance(score, played)
    assert performance_remarks(player, score, played, metrics) == (
        "from the reader",
        "2 notes struck that no written note asks for: "
        "C#4 at 0.250 s with velocity 12, F#4 at 0.700 s with velocity 50",
    )
    exact = score_performance(score, score)
    assert performance_remarks(player, score, score, exact) == ("from the reader",)
    assert metrics.as_dict()["extra_notes"] == [
        {"time": 0.25, "pitch": "C#4", "velocity": 12},
        {"time": 0.7, "pitch": "F#4", "velocity": 50},
    ]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_what_was_hit_is_not_called_impossible(share: float) -> None:
    """A key struck twenty times a second, of which some strokes sound."""
    written = Score(tuple(Note(0.05 * k, 60, 0.05 * k + 0.02) for k in range(20)))
    fingered = assign_fingering(written)
    assert any("19 notes beyond what hands can do" in remark for remark in fingered.remarks)
    player = SimpleNamespace(score=fingered, plan=None, scene=SimpleNamespace(design=None))
    played = written.with_notes(written.notes[: round(share * 20)])
    metrics = score_performance(written, played)
    remarks = performance_remarks(player, written, played, metrics)
    beyond = [remark for remark in remarks if "beyond what hands can do" in remark]
    if share == 1.0:
        assert beyond == []
    else:
        (remark,) = beyond
        missed = {f"{note['time']:.3f} s" for note in metrics.as_dict()["missed_notes"]}
        assert int(remark.split()[0]) == len(missed - {"0.000 s"})
