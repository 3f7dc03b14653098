"""The picture of a plan: a bar for every planned note, a dashed frame for every note left out, the
wrists, and names that can be read."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from musclehand.body.anatomy import Side
from musclehand.core.errors import OutputError
from musclehand.core.figure_file import save_figure
from musclehand.music.pitch import is_black, parse_pitch
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.figure import FINGER_COLOURS, draw_plan
from musclehand.planning.plan import plan_fingered, plan_performance

GEOMETRY = keyboard_geometry(load_piano_parameters())
SCORE = Score(
    (
        Note(0.0, 60, 0.5, 80, Hand.RIGHT, Finger.THUMB),
        Note(0.5, 64, 1.0, 80, Hand.RIGHT, Finger.MIDDLE),
        Note(1.0, 66, 1.1, 80, Hand.RIGHT, Finger.RING),
        Note(0.0, 48, 1.5, 80, Hand.LEFT, Finger.LITTLE),
    ),
    title="four notes",
)


@pytest.fixture(scope="module")
def plan():
    """A plan that leaves out the second note in time."""
    fingered = SCORE.with_notes(
        replace(note, finger=None) if note.pitch == 64 else note for note in SCORE.notes
    )
    return plan_fingered(SCORE, fingered)


@pytest.fixture(scope="module")
def axes(plan):
    (axes,) = plan.draw().axes
    return axes


def rectangles(axes):
    """Frames of the target and bars of the plan."""
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    frames = [patch for patch in patches if patch.get_facecolor()[3] == 0.0]
    return frames, [patch for patch in patches if patch not in frames]


def times_and_keys(patches):
    """Begin, end and key of rectangles, in order."""
    middles = [patch.get_y() + 0.5 * patch.get_height() for patch in patches]
    keys = [int(np.argmin(np.abs(GEOMETRY.x - middle))) for middle in middles]
    begins = [patch.get_x() for patch in patches]
    ends = [patch.get_x() + patch.get_width() for patch in patches]
    return sorted(zip(begins, ends, keys, strict=True))


def of_notes(notes):
    return sorted((note.onset, note.offset, note.key) for note in notes)


def test_every_planned_note_has_a_bar_and_every_written_one_a_frame(plan, axes):
    frames, bars = rectangles(axes)
    assert len(bars) == len(plan.planned) == 3
    assert np.allclose(times_and_keys(bars), of_notes(plan.planned.notes))
    assert np.allclose(times_and_keys(frames), of_notes(plan.target.notes))


def test_bars_have_the_colours_and_numbers_of_their_fingers(plan, axes):
    _, bars = rectangles(axes)
    colours = {(round(bar.get_x(), 3), round(bar.get_y(), 3)): bar.get_facecolor() for bar in bars}
    for note in plan.planned.notes:
        place = (round(note.onset, 3), round(GEOMETRY.x[note.key] - 0.006, 3))
        assert colours[place] == to_rgba(FINGER_COLOURS[int(note.finger)])
    # The note of 0.1 s has no room for a number.
    assert sorted(text.get_text() for text in axes.texts) == ["1", "5"]


def test_only_notes_left_out_have_dashed_frames(axes):
    frames, _ = rectangles(axes)
    dashed = [frame for frame in frames if frame.get_linestyle() in ("dashed", "--")]
    assert times_and_keys(dashed) == [pytest.approx((0.5, 1.0, 64 - 21))]


def test_both_wrists_are_drawn_on_the_clock_of_the_score(plan, axes):
    lines = {line.get_label(): line for line in axes.lines}
    assert set(lines) == {"left wrist", "right wrist"}
    motion = plan.motion()
    for side, name in ((Side.LEFT, "left wrist"), (Side.RIGHT, "right wrist")):
        times, x = lines[name].get_data()
        assert times[0] == pytest.approx(-plan.lead_in)
        assert np.allclose(x, motion.hands[side].path.at(times + plan.lead_in)[0][:, 0], atol=1e-9)


def test_drawing_does_not_use_up_or_change_the_plan(plan):
    before = plan.as_dict()
    first = plan.motion().at(0)
    plan.draw()
    assert plan.as_dict() == before
    assert np.array_equal(plan.motion().at(0)[0].qpos, first[0].qpos)


def test_axes_and_colours_are_explained(axes):
    assert axes.get_title() == "four notes"
    assert axes.get_xlabel() == "time [s]"
    (legend,) = axes.figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels[:5] == [f"finger {number}" for number in range(1, 6)]
    assert {"as written", "not played", "left wrist", "right wrist"} < set(labels)


@pytest.mark.parametrize("pitches", [range(60, 73), range(21, 109), (61, 66), (60,), ()])
def test_names_of_keys_are_white_and_do_not_overlap(pitches, tmp_path):
    score = Score(tuple(Note(0.1 * i, pitch, 0.1 * i + 0.3) for i, pitch in enumerate(pitches)))
    figure = draw_plan(score, Score(()), {}, GEOMETRY)
    save_figure(figure, tmp_path / "names.png")
    (axes,) = figure.axes
    labels = [label for label in axes.get_yticklabels() if label.get_text()]
    names = [parse_pitch(label.get_text()) for label in labels]
    assert set(names) <= set(pitches)
    if any(not is_black(pitch) for pitch in pitches):
        assert not any(is_black(pitch) for pitch in names)
    assert bool(names) == bool(pitches)
    extents = sorted(tuple(label.get_window_extent().intervaly) for label in labels)
    assert all(below[1] <= above[0] for below, above in pairwise(extents))


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_is_written_whole(plan, tmp_path, ending):
    path = tmp_path / f"plan.{ending}"
    plan.draw(path)
    assert [*tmp_path.iterdir()] == [path]
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(begins[ending])


def test_a_picture_that_cannot_be_written_is_an_error_and_leaves_nothing(plan, tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        plan.draw(tmp_path / "nowhere" / "plan.png")
    path = tmp_path / "plan.png"
    path.write_bytes(b"a picture")
    figure = plan.draw()

    def fill_the_disk(name, **options):
        name.write_bytes(b"half a pict")
        raise OSError(28, "no space")

    figure.savefig = fill_the_disk
    with pytest.raises(OutputError, match=r"plan\.png"):
        save_figure(figure, path)
    assert path.read_bytes() == b"a picture"
    assert [*tmp_path.iterdir()] == [path]


def test_titles_may_be_anything(tmp_path):
    for title in ("", "$\\frac{1", "エリーゼのために", "a_b^c"):
        plan = plan_performance(Score((Note(0.0, 60, 0.5),), title=title))
        (axes,) = plan.draw(tmp_path / "plan.png").axes
        assert axes.get_title() == (title or "plan")
