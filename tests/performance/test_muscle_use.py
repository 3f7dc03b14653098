"""The use of muscles, against recordings whose means are known."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError
from musclehand.core.figure_file import save_figure
from musclehand.core.recording import Channel, RecordingError, RecordingWriter
from musclehand.performance.muscle_use import (
    MOST_RUNS,
    compare_muscle_use,
    draw_muscle_use,
    read_activation,
    read_muscle_use,
    write_muscle_use,
)

NOTE_COLUMNS = {
    "onset": "s",
    "offset": "s",
    "pitch": "MIDI",
    "velocity": "MIDI",
    "hand": "0/1",
    "finger": "1-5",
}
NOTES = ((0.0, 0.5, 60, 80, 1, 1), (0.5, 2.0, 62, 80, 1, 2))
STEP = 0.008
LEAD_IN = 1.0
TAIL = 0.504
MUSCLES = ("FDP2_l", "EDC2_r", "FDP2_r", "NEW_r")


def write(
    folder, act, force, *, muscles=MUSCLES, notes=NOTES, title="Tune", metrics=None, complete=True
):
    """A folder as `play` leaves it. `act` and `force`: functions of time [s] that give a value
    for each muscle."""
    folder.mkdir(exist_ok=True)
    channels = {
        "time": Channel("s"),
        "act": Channel("1", (len(muscles),), tuple(muscles), "f4"),
        "muscle_force": Channel("N, pull negative", (len(muscles),), tuple(muscles), "f4"),
    }
    metadata = {"title": title, "controller": "MuscleController"}
    writer = RecordingWriter(
        folder / "recording.h5", channels, tables={"score": NOTE_COLUMNS}, metadata=metadata
    )
    writer.extend_table("score", np.array(notes, dtype=float).reshape(-1, 6))
    end = max((note[1] for note in notes), default=1.0)
    for step in range(round((LEAD_IN + end + TAIL) / STEP)):
        time = step * STEP - LEAD_IN
        writer.append(time=time, act=np.array(act(time)), muscle_force=np.array(force(time)))
    writer.close() if complete else writer.abandon()
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return folder


def constant(*values):
    return lambda time: values


def constant_between(start, end):
    return lambda time: [float(start <= time < end)] * 4


def during_music(*values, outside=1.0):
    return lambda time: values if -1e-9 <= time < 2.0 - 1e-9 else [outside] * len(values)


ACT = during_music(0.5, 0.25, 0.125, 0.0)
FORCE = during_music(-10.0, -20.0, -40.0, 0.0, outside=-999.0)


def test_only_the_music_counts_and_its_means_are_exact(tmp_path):
    use = read_muscle_use(write(tmp_path / "run", ACT, FORCE))
    assert [each.key for each in use.muscles] == ["FDP2_r", "EDC2_r", "NEW_r", "FDP2_l"], (
        "the table's order, right first"
    )
    np.testing.assert_array_equal(use.mean_activation, [0.125, 0.25, 0.0, 0.5])
    np.testing.assert_array_equal(use.peak_activation, [0.125, 0.25, 0.0, 0.5])
    np.testing.assert_array_equal(use.mean_force, [40.0, 20.0, 0.0, 10.0])
    assert use.seconds == pytest.approx(2.0)
    np.testing.assert_allclose(use.impulse, [80.0, 40.0, 0.0, 20.0])
    assert use.effort == pytest.approx(0.125**2 + 0.25**2 + 0.5**2)
    assert use.title == "Tune"
    assert use.complete
    assert (use.joint_rmse_deg, use.onset_f1) == (None, None)


def test_a_rest_before_the_first_note_is_left_out(tmp_path):
    act = constant_between(0.5, 1.0)
    use = read_muscle_use(write(tmp_path / "run", act, act, notes=[(0.5, 1.0, 60, 80, 1, 1)]))
    assert use.seconds == pytest.approx(0.5, abs=STEP)
    np.testing.assert_allclose(use.mean_activation, 1.0, atol=2 * STEP / 0.5)


def test_muscles_have_their_names_and_groups(tmp_path):
    use = read_muscle_use(write(tmp_path / "run", ACT, FORCE))
    deep, extensor, new, left = use.muscles
    assert deep == (
        "FDP2_r",
        "FDP2",
        Side.RIGHT,
        "flexor digitorum profundus (index)",
        "finger flexors",
    )
    assert extensor.group == "finger extensors"
    assert (new.name, new.group) == ("NEW", "others")
    assert left.side is Side.LEFT


def test_mean_peak_and_impulse_of_what_varies(tmp_path):
    """A ramp from 0 to 1 over the music; a force that is its square."""
    ramp, square = (
        lambda time, power=power: [np.clip(time / 2.0, 0, 1) ** power] * 4 for power in (1, 2)
    )
    use = read_muscle_use(write(tmp_path / "run", ramp, lambda time: -np.array(square(time))))
    np.testing.assert_allclose(use.mean_activation, 0.5, atol=STEP)
    np.testing.assert_allclose(use.peak_activation, 0.95, atol=STEP)
    np.testing.assert_allclose(use.impulse, 2.0 / 3.0, atol=2 * STEP)
    assert use.effort == pytest.approx(4.0 / 3.0, abs=4 * STEP)
    time, activation = read_activation(use, "FDP2_r")
    assert time[0] == pytest.approx(0.0, abs=1e-6)
    assert time[-1] == pytest.approx(2.0 - STEP)
    np.testing.assert_allclose(activation, time / 2.0, atol=1e-6)


def test_the_metrics_beside_it_are_read_for_folder_and_file(tmp_path):
    folder = write(
        tmp_path / "run", ACT, FORCE, metrics={"joint_rmse_deg": 1.5, "onset_f1_50ms": None}
    )
    for run in (folder, folder / "recording.h5"):
        use = read_muscle_use(run)
        assert (use.joint_rmse_deg, use.onset_f1) == (1.5, None)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"joint_rmse_deg": "much"}', '{"onset_f1_50ms": true}', "[" * 100000]
)
def test_metrics_that_are_none_are_named(tmp_path, content):
    folder = write(tmp_path / "run", ACT, FORCE)
    (folder / "metrics.json").write_text(content)
    with pytest.raises(MusclehandError, match=r"metrics\.json"):
        read_muscle_use(folder)


def test_what_is_no_recording_with_muscles_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="No such file"):
        read_muscle_use(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match=r"without recording\.h5"):
        read_muscle_use(tmp_path / "empty")
    (tmp_path / "text").write_text("words")
    with pytest.raises(RecordingError, match="not an HDF5 file"):
        read_muscle_use(tmp_path / "text")
    path = tmp_path / "keys.h5"
    metadata = {"controller": "KeyboardController"}
    RecordingWriter(
        path, {"time": Channel("s")}, tables={"score": NOTE_COLUMNS}, metadata=metadata
    ).close()
    with pytest.raises(RecordingError, match=r"no muscles in it \(played by KeyboardController"):
        read_muscle_use(path)


def test_recordings_that_cannot_be_summed_up_are_refused(tmp_path):
    silent = write(tmp_path / "late", ACT, FORCE, notes=[(100.0, 101.0, 60, 80, 1, 1)])
    assert read_muscle_use(silent).seconds > 0
    before = write(tmp_path / "before", ACT, FORCE, notes=[(-3.0, -2.0, 60, 80, 1, 1)])
    with pytest.raises(RecordingError, match="before the music begins"):
        read_muscle_use(before)
    with pytest.raises(RecordingError, match="finite"):
        read_muscle_use(write(tmp_path / "nan", constant(0.0, np.nan, 0.0, 0.0), FORCE))
    with pytest.raises(RecordingError, match="hand"):
        read_muscle_use(write(tmp_path / "names", constant(0.0), constant(0.0), muscles=["FDP2"]))


def test_a_recording_that_broke_off_is_used_and_said(tmp_path):
    use = read_muscle_use(write(tmp_path / "run", ACT, FORCE, complete=False))
    assert not use.complete
    assert compare_muscle_use([use]).remarks == ("run: the recording broke off",)


def test_muscles_stand_in_the_order_of_their_change(tmp_path):
    baseline = read_muscle_use(write(tmp_path / "one", ACT, FORCE))
    changed = read_muscle_use(write(tmp_path / "other", during_music(0.5, 0.5, 0.0, 0.0625), FORCE))
    comparison = compare_muscle_use([baseline, changed])
    np.testing.assert_array_equal(comparison.change, [-0.125, 0.25, 0.0625, 0.0])
    assert comparison.order == (1, 0, 2, 3)
    assert comparison.labels == ("one", "other")
    assert comparison.remarks == ()
    assert compare_muscle_use([baseline]).order == (3, 1, 0, 2), "one alone: by activation"
    third = read_muscle_use(write(tmp_path / "third", during_music(0.5, 0.125, 1.0, 0.0), FORCE))
    np.testing.assert_array_equal(
        compare_muscle_use([baseline, changed, third]).change, [0.875, 0.25, 0.0625, 0.0]
    )


@given(
    st.lists(
        st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3).map(np.array),
        min_size=2,
        max_size=MOST_RUNS,
    )
)
def test_the_change_is_the_largest_from_the_first_run(tmp_path_factory, means):
    folder = tmp_path_factory.getbasetemp() / "shared"
    if not folder.exists():
        write(folder, constant(0, 0, 0), constant(0, 0, 0), muscles=MUSCLES[:3])
    first = read_muscle_use(folder)
    uses = [
        dataclasses.replace(first, path=first.path.with_name(f"{i}.h5"), mean_activation=mean)
        for i, mean in enumerate(means)
    ]
    comparison = compare_muscle_use(uses)
    for i, change in enumerate(comparison.change):
        assert abs(change) == max(abs(mean[i] - means[0][i]) for mean in means)
        assert any(change == mean[i] - means[0][i] for mean in means)
    sizes = np.abs(comparison.change)[list(comparison.order)]
    assert (np.diff(sizes) <= 0).all()
    assert sorted(comparison.order) == [0, 1, 2]


def test_different_muscles_are_refused_and_those_missing_listed(tmp_path):
    baseline = read_muscle_use(write(tmp_path / "one", ACT, FORCE))
    fewer = write(tmp_path / "fewer", constant(0, 0), constant(0, 0), muscles=["FDP2_l", "EIP_r"])
    with pytest.raises(
        MusclehandError, match=r"fewer.* has no EDC2_r, FDP2_r, NEW_r; .*one.* has no EIP_r"
    ):
        compare_muscle_use([baseline, read_muscle_use(fewer)])


def test_nothing_the_same_and_too_many_are_refused(tmp_path):
    baseline = read_muscle_use(write(tmp_path / "one", ACT, FORCE))
    with pytest.raises(MusclehandError, match="compared with itself"):
        compare_muscle_use([baseline, read_muscle_use(tmp_path / "one" / "recording.h5")])
    for uses in ([], [baseline] * (MOST_RUNS + 1)):
        with pytest.raises(InvalidValue, match="number of runs"):
            compare_muscle_use(uses)


def test_other_notes_or_fingers_are_remarked(tmp_path):
    baseline = read_muscle_use(write(tmp_path / "one", ACT, FORCE))
    short = read_muscle_use(write(tmp_path / "short", ACT, FORCE, notes=NOTES[:1]))
    named = read_muscle_use(write(tmp_path / "named", ACT, FORCE, title="Air"))
    crossed = read_muscle_use(
        write(tmp_path / "crossed", ACT, FORCE, notes=[NOTES[0], (*NOTES[1][:5], 3)])
    )
    remarks = compare_muscle_use([baseline, short, named, crossed]).remarks
    assert remarks == (
        "one and short were asked to play different notes (Tune, notes: 2, 2.0 s and Tune, notes: 1, 0.5 s)",
        "one and named were asked to play different notes (Tune, notes: 2, 2.0 s and Air, notes: 2, 2.0 s)",
        "one and crossed play the same notes with different hands or fingers",
    )


def test_folders_of_the_same_name_are_told_apart(tmp_path):
    for parent in ("a", "b"):
        (tmp_path / parent).mkdir()
    uses = [read_muscle_use(write(tmp_path / parent / "run", ACT, FORCE)) for parent in ("a", "b")]
    assert compare_muscle_use(uses).labels == tuple(str(use.path) for use in uses)


def test_the_figure_has_a_bar_for_each_muscle_and_run_and_the_course_of_the_first(tmp_path):
    baseline = read_muscle_use(write(tmp_path / "one", ACT, FORCE))
    changed = read_muscle_use(write(tmp_path / "$x", during_music(0.5, 0.5, 0.0, 0.0625), FORCE))
    figure = draw_muscle_use(compare_muscle_use([baseline, changed]))
    bars, course = figure.axes
    assert [bar.get_height() for bar in bars.patches] == [
        0.25,
        0.125,
        0.0,
        0.5,
        0.5,
        0.0,
        0.0625,
        0.5,
    ]
    assert bars.get_xticklabels()[0].get_text() == "EDC2\nright"
    assert [line.get_ydata().mean() for line in course.lines] == [0.25, 0.5]
    save_figure(figure, tmp_path / "use.png")
    assert imread(tmp_path / "use.png").std() > 0.02
    assert len(draw_muscle_use(compare_muscle_use([baseline])).axes[0].patches) == 4


def test_the_table_has_a_row_for_each_run_and_muscle(tmp_path):
    baseline = read_muscle_use(write(tmp_path / "one", ACT, FORCE))
    changed = read_muscle_use(write(tmp_path / "two", during_music(0.5, 0.5, 0.0, 0.0625), FORCE))
    assert baseline.overall_activation == pytest.approx((0.5 + 0.25 + 0.125) / 4)
    write_muscle_use(compare_muscle_use([baseline, changed]), tmp_path / "use.csv")
    with (tmp_path / "use.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["muscle"], row["hand"]) for row in rows] == [
        (run, *muscle)
        for run in ("one", "two")
        for muscle in (("FDP2", "right"), ("EDC2", "right"), ("NEW", "right"), ("FDP2", "left"))
    ]
    changes = [float(row["change_of_mean_activation"]) for row in rows]
    np.testing.assert_allclose(changes, [0, 0, 0, 0, -0.125, 0.25, 0.0625, 0], atol=1e-9)
    with pytest.raises(OutputError):
        write_muscle_use(compare_muscle_use([baseline]), tmp_path / "missing" / "use.csv")
