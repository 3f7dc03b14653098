"""The pictures show what they say: sizes, colours of hits, misses and extras, activations where
they belong."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from musclehand.core.errors import OutputError, UnknownName
from musclehand.core.figure_file import save_figure
from musclehand.core.recording import Channel, Recording, RecordingWriter
from musclehand.music.metrics import score_performance
from musclehand.music.score import Hand, Note, Score
from musclehand.performance.figures import (
    EXTRA,
    HIT_LEFT,
    HIT_RIGHT,
    HIT_UNKNOWN,
    MISSED,
    draw_muscles,
    draw_piano_roll,
)

NAMES = (
    ("FDS2", "flexor two", "flexors"),
    ("FDS3", "flexor three", "flexors"),
    ("EDC2", "extensor", "extensors"),
)


def roll(score, played, path):
    (figure,) = draw_piano_roll(score, played, score_performance(score, played))
    save_figure(figure, path)
    return imread(path)[:, :, :3]


def count(picture, colour):
    return int((np.abs(picture - np.array(to_rgb(colour))).max(axis=2) < 0.01).sum())


def test_hits_misses_and_extras_have_their_colours(tmp_path):
    score = Score(
        (
            Note(0.0, 60, 1.0, hand=Hand.RIGHT),
            Note(1.0, 48, 2.0, hand=Hand.LEFT),
            Note(2.0, 62, 3.0),
        )
    )
    clean = roll(score, score, tmp_path / "clean.png")
    right = roll(score, score.with_notes(score.notes[1:]), tmp_path / "missed.png")
    extra = roll(
        score, score.with_notes([*score.notes, Note(0.5, 55, 2.5)]), tmp_path / "extra.png"
    )
    assert clean.shape[1] == 1950
    legend = count(clean, MISSED)
    assert legend == count(clean, EXTRA) > 0
    for colour in (HIT_RIGHT, HIT_LEFT, HIT_UNKNOWN):
        assert count(clean, colour) > 10 * legend
    assert count(right, MISSED) > 10 * legend
    assert count(right, HIT_RIGHT) == legend
    assert count(extra, EXTRA) > 10 * legend
    assert count(extra, MISSED) == legend


def test_lengths_are_those_held(tmp_path):
    def width(held):
        score = Score((Note(0.0, 60, 4.0, hand=Hand.RIGHT),))
        picture = roll(score, score.with_notes([Note(0.0, 60, held)]), tmp_path / "roll.png")
        is_hit = np.abs(picture - np.array(to_rgb(HIT_RIGHT))).max(axis=2) < 0.01
        return int(is_hit.sum(axis=1)[: picture.shape[0] * 2 // 3].max())

    assert width(1.0) == pytest.approx(width(2.0) / 2, rel=0.02)


def test_long_pieces_have_rows_and_pages():
    score = Score(tuple(Note(float(i), 60, i + 0.5) for i in range(250)))
    pages = draw_piano_roll(score, score, score_performance(score, score))
    assert [len(page.axes) for page in pages] == [6, 6, 1]
    ends = [panel.get_xlim() for page in pages for panel in page.axes]
    assert all(left[1] == pytest.approx(right[0]) for left, right in itertools.pairwise(ends))
    assert ends[-1][1] == pytest.approx(score.duration)


@pytest.mark.parametrize(
    "score", [Score(()), Score((Note(0.0, 21, 0.01), Note(0.0, 108, 0.01)), title="$x_[b]猫\n")]
)
def test_odd_scores_are_drawn(score, tmp_path, recwarn):
    picture = roll(score, Score(()), tmp_path / "odd.png")
    assert picture.std() > 0
    assert len(recwarn) == 0


def record(path, act, sides="rl"):
    names = tuple(f"{short}_{side}" for side in sides for short, _, _ in NAMES)
    with RecordingWriter(
        path, {"time": Channel("s"), "act": Channel("1", (len(names),), names, "f4")}
    ) as writer:
        for row, values in enumerate(act):
            writer.append(time=0.01 * row - 1.0, act=values)
    return path


def test_muscles_are_in_their_rows(tmp_path):
    act = np.zeros((4000, 6))
    act[2000:, 1] = 1.0  # FDS3 of the right hand
    act[:1000, 5] = 0.5  # EDC2 of the left
    with Recording.open(record(tmp_path / "act.h5", act)) as recording:
        figure = draw_muscles(recording, NAMES, title="A piece")
    left, right = (panel.images[0].get_array() for panel in figure.axes[:2])
    assert [panel.get_title() for panel in figure.axes[:2]] == ["Left hand", "Right hand"]
    assert left.shape[0] == 3
    assert left.shape[1] <= 1600
    half = right.shape[1] // 2
    assert np.allclose(right[1, half + 1 :], 1.0)
    assert np.allclose(right[[0, 2]], 0.0)
    assert np.allclose(left[2, : half // 2 - 1], 0.5)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "flexor two  FDS2"
    save_figure(figure, tmp_path / "muscles.png")
    assert imread(tmp_path / "muscles.png").shape[1] > 1000


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_short_and_one_handed_recordings_are_drawn(rows, tmp_path):
    with Recording.open(
        record(tmp_path / "act.h5", np.full((rows, 3), 0.2), sides="l")
    ) as recording:
        figure = draw_muscles(recording, NAMES)
    save_figure(figure, tmp_path / "muscles.png")
    assert figure.axes[0].get_title() == "Left hand"
    assert (tmp_path / "muscles.png").stat().st_size > 1000


def test_no_activations_is_an_error(tmp_path):
    with RecordingWriter(tmp_path / "none.h5", {"time": Channel("s")}) as writer:
        writer.append(time=0.0)
    with Recording.open(tmp_path / "none.h5") as recording, pytest.raises(UnknownName, match="act"):
        draw_muscles(recording, NAMES)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    (figure,) = draw_piano_roll(Score(()), Score(()), score_performance(Score(()), Score(())))
    with pytest.raises(OutputError):
        save_figure(figure, tmp_path / "missing" / "roll.png")
