"""Motion clips: round trips, what they refuse, and files that are damaged or not what they seem."""

import json

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musclehand.body.anatomy import HAND_JOINTS, Side, coupling_ratio
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError
from musclehand.motion.clip import (
    ClipError,
    MotionClip,
    clip_names,
    open_clips,
    read_clip,
    read_clips,
    write_clip,
    write_clips,
)

ARRAYS = ("qpos", "qvel", "forearm", "fingertips", "notes", "activations")


def make_clip(name="a", frames=4, seed=0, **changes):
    rng = np.random.default_rng(seed)
    parts = {
        "name": name,
        "kind": "scale",
        "pattern": "scale C major",
        "side": Side.RIGHT,
        "dt": 0.008,
        "qpos": rng.normal(size=(frames, 25)),
        "qvel": rng.normal(size=(frames, 25)),
        "forearm": rng.normal(size=(frames, 6)),
        "fingertips": rng.normal(size=(frames, 5, 3)),
        "notes": [[0.0, 0.2, 60, 80, 1]],
        "activations": rng.random((frames, 3)),
        "muscles": ("FDP2", "EIP", "FPL"),
        "source": {"licence": "generated"},
    }
    return MotionClip(**(parts | changes))


def assert_same(first, second):
    for thing in ("name", "kind", "pattern", "side", "dt", "muscles"):
        assert getattr(first, thing) == getattr(second, thing)
    assert dict(first.source) == dict(second.source)
    for thing in ARRAYS:
        left = getattr(first, thing)
        right = getattr(second, thing)
        assert (left is None) == (right is None)
        if left is not None:
            np.testing.assert_array_equal(left, right)


texts = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
names = texts.filter(lambda text: "/" not in text and text.strip("."))


@st.composite
def clips(draw):
    frames = draw(st.integers(1, 5))
    muscles = draw(st.one_of(st.none(), st.lists(texts, max_size=3)))

    def array(*shape):
        return draw(hnp.arrays("f4", shape, elements=st.floats(-1e6, 1e6, width=32)))

    return MotionClip(
        name=draw(names),
        kind=draw(texts),
        pattern=draw(texts),
        side=draw(st.sampled_from(Side)),
        dt=draw(st.floats(1e-6, 1.0)),
        qpos=array(frames, 25),
        qvel=array(frames, 25),
        forearm=array(frames, 6),
        fingertips=array(frames, 5, 3),
        notes=array(draw(st.integers(0, 3)), 5),
        activations=None if muscles is None else array(frames, len(muscles)),
        muscles=tuple(muscles or ()),
        source=draw(st.dictionaries(texts, texts, max_size=3)),
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(clip=clips())
def test_round_trip(clip, tmp_path):
    write_clips(tmp_path / "a.h5", [clip])
    (read,) = read_clips(tmp_path / "a.h5")
    assert_same(clip, read)
    assert read.qpos.dtype == np.float32


def test_a_clip_knows_its_length_and_cannot_be_written_to():
    clip = make_clip(frames=25)
    assert clip.frames == 25
    assert clip.duration == pytest.approx(0.2)
    with pytest.raises(ValueError, match="read-only"):
        clip.qpos[0] = 1.0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"qpos": np.zeros((4, 22))}, "qpos"),
        ({"qpos": np.zeros((0, 25))}, "qpos"),
        ({"qpos": 1.0}, "qpos"),
        ({"qvel": np.zeros((5, 25))}, "qvel"),
        ({"fingertips": np.full((4, 5, 3), np.nan)}, "fingertips"),
        ({"forearm": np.full((4, 6), 1e300)}, "forearm"),
        ({"notes": np.zeros((1, 6))}, "notes"),
        ({"activations": np.zeros((4, 2))}, "activations"),
        ({"activations": None}, "muscles"),
        ({"dt": 0.0}, "dt"),
        ({"dt": float("inf")}, "dt"),
        ({"name": "a/b"}, "name"),
        ({"name": ".."}, "name"),
        ({"kind": ""}, "kind"),
        ({"pattern": "a\0b"}, "pattern"),
        ({"side": "r"}, "side"),
        ({"source": {"licence": 1}}, "source"),
    ],
)
def test_what_is_out_of_order_is_named(change, named):
    with pytest.raises(InvalidValue, match=f"clip {named}"):
        make_clip(**change)


def test_the_bytes_depend_on_the_clips_only(tmp_path):
    for name in ("a", "b"):
        write_clips(
            tmp_path / name, [make_clip("one"), make_clip("two", seed=1, notes=np.zeros((0, 5)))]
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with open_clips(tmp_path / "a") as file:
        assert clip_names(file) == ("one", "two")
        assert_same(read_clip(file, "two"), make_clip("two", seed=1, notes=np.zeros((0, 5))))


def test_a_name_is_used_once_and_a_folder_has_to_be_there(tmp_path):
    with pytest.raises(InvalidValue, match="clip name is 'a'"):
        write_clips(tmp_path / "a.h5", [make_clip(), make_clip()])
    with pytest.raises(OutputError, match="cannot write"):
        write_clips(tmp_path / "no" / "a.h5", [make_clip()])
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_finished_leaves_the_previous_one(tmp_path):
    write_clips(tmp_path / "a.h5", [make_clip()])
    previous = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(InvalidValue):
        write_clips(tmp_path / "a.h5", [make_clip("b"), make_clip("b")])
    assert (tmp_path / "a.h5").read_bytes() == previous
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def break_dtype(group):
    del group["qpos"]
    group["qpos"] = np.zeros((4, 25), dtype="f8")


def break_missing(group):
    del group["qvel"]


def break_soft(group):
    del group["qvel"]
    group["qvel"] = h5py.SoftLink("/a/qpos")


def break_external_link(group):
    del group["qvel"]
    group["qvel"] = h5py.ExternalLink("other.h5", "/qvel")


def break_external_data(group):
    del group["qpos"]
    group.create_dataset("qpos", (4, 25), "<f4", external=[("raw.bin", 0, 4 * 25 * 4)])


def break_virtual(group):
    del group["qpos"]
    layout = h5py.VirtualLayout((4, 25), "<f4")
    layout[:] = h5py.VirtualSource("other.h5", "qpos", (4, 25))
    group.create_virtual_dataset("qpos", layout)


def break_sparse(group):
    del group["qpos"]
    group.create_dataset("qpos", (10**9, 25), "<f4", chunks=(1000, 25))


def break_bomb(group):
    del group["qpos"]
    group.create_dataset("qpos", data=np.zeros((4, 25), "<f4"), compression="gzip")


def break_group(group):
    del group["qpos"]
    group.create_group("qpos")


def break_shape(group):
    del group["qpos"]
    group["qpos"] = np.zeros((4, 3), dtype="<f4")


def break_nan(group):
    group["qpos"][0, 0] = np.nan


def break_header(group):
    header(group, dt="soon")


def break_side(group):
    header(group, side="x")


def break_large_header(group):
    del group["header"]
    group["header"] = np.zeros(2_000_000, dtype="u1")


def header(group, **changes):
    content = json.loads(bytes(group["header"][:])) | changes
    del group["header"]
    group["header"] = np.frombuffer(json.dumps(content).encode(), dtype="u1")


BREAKS = [value for name, value in sorted(globals().items()) if name.startswith("break_")]


@pytest.mark.parametrize("damage", BREAKS, ids=lambda damage: damage.__name__)
def test_a_clip_that_is_not_in_order_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "a.h5"
    write_clips(path, [make_clip()])
    with h5py.File(path, "r+") as file:
        damage(file["a"])
    with pytest.raises(ClipError) as caught:
        read_clips(path)
    assert str(path) in str(caught.value)
    assert caught.value.where.startswith("a")


def test_files_of_something_else(tmp_path):
    other_file = tmp_path / "other.h5"
    with h5py.File(other_file, "w") as file:
        file["a"] = 1
    with pytest.raises(ClipError, match="not one of motion clips"):
        read_clips(other_file)
    (tmp_path / "text").write_text("hello")
    for path, problem in (
        (tmp_path / "text", "not an HDF5"),
        (tmp_path / "no", "No such file"),
        (tmp_path, "direct"),
    ):
        with pytest.raises(ClipError, match=problem):
            read_clips(path)
    path = tmp_path / "later.h5"
    write_clips(path, [make_clip()])
    with h5py.File(path, "r+") as file:
        file.attrs.modify("version", 2)
    with pytest.raises(ClipError, match="version 2"):
        read_clips(path)
    with h5py.File(tmp_path / "new.h5", "w") as file:
        write_clip(file, make_clip())
        with pytest.raises(ClipError, match="no such clip"):
            read_clip(file, "b")


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_and_lost_bytes_are_found_or_do_no_harm(tmp_path, data):
    path = tmp_path / "whole.h5"
    if not path.exists():
        write_clips(path, [make_clip()])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(
        content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]
    )
    found = ()
    problem = str(damaged)
    try:
        found = read_clips(damaged)
    except MusclehandError as error:
        problem = str(error)
    assert str(damaged) in problem
    assert all(np.isfinite(clip.qpos).all() for clip in found)


def test_files_of_hands_with_a_flat_palm_get_its_joints_from_the_couplings(tmp_path):
    """Files of earlier releases have 23 joints; metacarpals follow the knuckles."""
    clip = make_clip()
    path = tmp_path / "old.h5"
    write_clips(path, [clip])
    with h5py.File(path, "a") as file:
        for name in ("qpos", "qvel"):
            values = file["a"][name][:, :23]
            del file["a"][name]
            file["a"].create_dataset(name, data=values)
    (read,) = read_clips(path)
    np.testing.assert_array_equal(read.qpos[:, :23], clip.qpos[:, :23])
    for joint, finger in (("cmc4_flexion", 4), ("cmc5_flexion", 5)):
        knuckle = read.qvel[:, HAND_JOINTS.index(f"mcp{finger}_flexion")]
        follower = read.qvel[:, HAND_JOINTS.index(joint)]
        np.testing.assert_allclose(follower, coupling_ratio(joint) * knuckle, rtol=1e-6)
