"""Maps from electrodes to muscles: weights, alternatives, controls, and files that are not maps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.tables import load_tables
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.emg.model.muscle_map import (
    COLUMNS,
    CONFIDENCES,
    MapRow,
    MuscleMap,
    read_map,
    write_map,
)
from musclehand.emg.recording import EmgFileError
from support.paths import EMG_DATA

DATA = EMG_DATA
OURS = load_tables().muscle_names
HEAD = ",".join(COLUMNS) + "\n"
TEXT = (
    HEAD
    + "FDS,FDS2 FDS3,f0,medium,here\nFDI,DI1|RI2,1,high,\nBR,,,high,not modelled\nECR,ECRL ECRB,1 3,low,\n"
)


def outcome_of(read):
    """What a reader says is wrong with a file; None where nothing is."""
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None


@pytest.fixture
def small(tmp_path):
    (tmp_path / "map.csv").write_text(TEXT)
    return read_map(tmp_path / "map.csv")


def test_channels_show_the_weighted_mean_of_their_muscles(small):
    muscles = ("FDS2", "FDS3", "RI2", "ECRL", "ECRB")
    activations = np.arange(10.0).reshape(2, 5)
    projected = small.project(activations, muscles, f0={"FDS2": 1.0, "FDS3": 4.0})
    assert projected.names == ("FDS", "FDI", "ECR")
    expected = [
        [0.2 * 0 + 0.8 * 1, 2.0, 0.25 * 3 + 0.75 * 4],
        [0.2 * 5 + 0.8 * 6, 7.0, 0.25 * 8 + 0.75 * 9],
    ]
    assert projected.values == pytest.approx(np.array(expected))
    largest = small.project(activations, muscles, f0={"FDS2": 1.0, "FDS3": 4.0}, combine="max")
    assert largest.values.tolist() == [[1.0, 2.0, 4.0], [6.0, 7.0, 9.0]]
    assert small.controls(muscles) == ("BR",)
    kept = small.project(activations, muscles, f0={"FDS2": 1.0, "FDS3": 4.0}, keep_controls=True)
    assert kept.names == ("FDS", "FDI", "BR", "ECR")
    assert np.isnan(kept.values[:, 2]).all()
    assert kept.values[:, [0, 1, 3]] == pytest.approx(np.array(expected))


def test_the_side_is_at_the_end_of_a_name(small):
    muscles = ("FDS2_l", "FDS3_l", "DI1_l")
    matrix = small.matrix(muscles, side=Side.LEFT)
    f0 = {row.muscle: row.f0 for row in load_tables().muscles}
    share = f0["FDS2"] / (f0["FDS2"] + f0["FDS3"])
    assert matrix == pytest.approx(
        np.array([[share, 1 - share, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
    )
    assert not small.matrix(muscles, side=Side.RIGHT).any()


def test_channels_are_found_in_any_case_and_keep_the_recordings_name(small):
    part = small.select(["ecr", "unknown", "br"])
    assert part.channels == ("ecr", "br")
    assert part.row("ECR").weights == pytest.approx((0.25, 0.75))
    with pytest.raises(UnknownName):
        part.row("FDS")


@pytest.mark.parametrize("name", ["muscle_map.csv", "muscle_map_armband.csv"])
def test_the_maps_that_come_along_know_our_muscles(name):
    muscle_map = read_map(DATA / name)
    for row in muscle_map.rows:
        for names in row.muscles:
            assert set(names) & set(OURS), f"{row.channel}: {names}"
    heard = muscle_map.matrix(OURS).sum(axis=1)
    assert set(muscle_map.controls(OURS)) == {
        row.channel for row in muscle_map.rows if not row.muscles
    }
    assert heard == pytest.approx([0.0 if not row.muscles else 1.0 for row in muscle_map.rows])


def test_the_map_serves_myohand_as_well(myohand):
    muscles = _muscles(myohand)
    controls = read_map(DATA / "muscle_map.csv").controls(muscles, side=Side.RIGHT)
    assert {"BR", "PB"} <= set(controls)
    assert not {"FDS", "EDC", "ECR", "1DI", "4DI", "ADM", "APB", "FPL"} & set(controls)


def _muscles(specimen):
    model = specimen.model
    return [model.actuator(i).name for i in range(model.nu)]


def test_the_map_knows_the_right_hand_by_its_names():
    model = load_hand(Side.RIGHT)
    muscles = [model.actuator(i).name for i in range(model.nu)]
    projected = read_map(DATA / "muscle_map.csv").project(
        np.full((3, len(muscles)), 0.4), muscles, side=Side.RIGHT
    )
    assert projected.values == pytest.approx(np.full((3, len(projected.names)), 0.4))
    assert len(projected.names) > 25


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.sampled_from(OURS), min_size=0, max_size=4, unique=True),
            st.booleans(),
            st.sampled_from(CONFIDENCES),
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read_back(rows, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    muscle_map = []
    for i, (muscles, force, confidence, source) in enumerate(rows):
        weights = (
            None
            if force or not muscles
            else tuple(2.0 ** -min(k + 1, len(muscles) - 1) for k in range(len(muscles)))
        )
        muscle_map.append(
            MapRow(
                f"channel {i}",
                tuple((name, "other") for name in muscles),
                weights,
                confidence,
                source,
            )
        )
    write_map(path, MuscleMap(tuple(muscle_map)))
    assert read_map(path).rows == tuple(muscle_map)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1"),
        ("channel,muscles\n", "line 1"),
        (HEAD + "FDS,FDS2,f0,medium\n", "line 2"),
        (HEAD + "\n,FDS2,f0,medium,\n", "line 3"),
        (HEAD + "FDS,FDS2,f0,certain,\n", "line 2"),
        (HEAD + "FDS,FDS2 FDS3,1,low,\n", "line 2"),
        (HEAD + "FDS,FDS2,-1,low,\n", "line 2"),
        (HEAD + "FDS,FDS2,nan,low,\n", "line 2"),
        (HEAD + "FDS,FDS2,0,low,\n", "line 2"),
        (HEAD + "FDS,FDS2,many,low,\n", "line 2"),
        (HEAD + "FDS,FDS2||FDS3,f0,low,\n", "line 2"),
        (HEAD + "FDS,,1,low,\n", "line 2"),
        (HEAD + 'FDS,FDS2,f0,low,"open\n', "line 2"),
        (HEAD, "no channels"),
        (HEAD + "FDS,FDS2,f0,low,\nfds,FDS3,f0,low,\n", "named once"),
    ],
)
def test_a_file_that_is_no_map_is_named_with_its_line(text, where, tmp_path):
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(EmgFileError, match=where) as caught:
        read_map(tmp_path / "map.csv")
    assert "map.csv" in str(caught.value)


@given(data=st.binary(max_size=60), at=st.integers(0, len(TEXT)))
def test_no_file_makes_it_crash(data, at, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(TEXT[:at].encode() + data + TEXT[at:].encode())
    outcome = outcome_of(lambda: read_map(path))
    assert outcome is None or "fuzz.csv" in outcome


def test_muscles_that_do_not_fit_are_refused(small, tmp_path):
    with pytest.raises(InvalidValue, match="at least one"):
        small.project(np.zeros((2, 1)), ["GASTROC"])
    with pytest.raises(InvalidValue, match="shape"):
        small.project(np.zeros((2, 3)), ["FDS2"])
    with pytest.raises(UnknownName, match="mean"):
        small.project(np.zeros((2, 1)), ["FDS2"], combine="median")
    with pytest.raises(InvalidValue, match="f0"):
        small.project(np.zeros((2, 1)), ["FDS2"], f0={})
    with pytest.raises(MusclehandError, match="cannot write"):
        write_map(tmp_path / "no" / "map.csv", small)
