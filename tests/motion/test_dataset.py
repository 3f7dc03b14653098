"""The corpus on disk: index, splits, checksums, and windows against the clips they are cut from."""

import json
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.motion.clip import MotionClip, write_clips
from musclehand.motion.dataset import (
    INDEX,
    SPLITS,
    CorpusError,
    CorpusIndex,
    ShardEntry,
    entry_of,
    file_sha256,
    open_corpus,
    read_index,
    split_of,
    write_index,
)


def make_clip(number, frames, muscles=("FDP2", "EIP")):
    rng = np.random.default_rng(number)
    return MotionClip(
        name=f"clip_{number}",
        kind="scale",
        pattern=f"pattern {number // 2}",
        side=list(Side)[number % 2],
        dt=0.008,
        qpos=rng.normal(size=(frames, 25)),
        qvel=rng.normal(size=(frames, 25)),
        forearm=rng.normal(size=(frames, 6)),
        fingertips=rng.normal(size=(frames, 5, 3)),
        notes=np.zeros((0, 5)),
        activations=rng.random((frames, len(muscles))) if muscles else None,
        muscles=muscles or (),
    )


def make_corpus(folder, clips, per_shard=10):
    shards = {}
    for start in range(0, len(clips), per_shard):
        name = f"shard_{start // per_shard:05d}.h5"
        members = clips[start : start + per_shard]
        write_clips(folder / name, members)
        shards[name] = ShardEntry(
            file_sha256(folder / name), tuple(map(entry_of, members)), ("one failed",)
        )
    write_index(folder, CorpusIndex({"seed": 1}, shards, True))
    return open_corpus(folder)


CLIPS = [make_clip(number, 20 + number) for number in range(60)]


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path, CLIPS)


def test_round_trip(corpus):
    assert [clip.name for clip in corpus.clips()] == [clip.name for clip in CLIPS]
    for read, clip in zip(corpus.clips(), CLIPS, strict=True):
        np.testing.assert_array_equal(read.qpos, clip.qpos)
    assert corpus.seconds() == pytest.approx(sum(clip.duration for clip in CLIPS))
    assert corpus.index.complete
    assert dict(corpus.index.plan) == {"seed": 1}
    assert corpus.index.shards["shard_00000.h5"].failures == ("one failed",)
    corpus.verify()


def test_splits_keep_patterns_together_and_have_their_shares(corpus):
    by_split = {split: {entry.pattern for entry in corpus.entries(split)} for split in SPLITS}
    assert sum(map(len, by_split.values())) == 30
    assert sum(len(corpus.entries(split)) for split in SPLITS) == len(CLIPS)
    drawn_splits = [split_of(f"any {number}") for number in range(4000)]
    for split, share in SPLITS.items():
        assert drawn_splits.count(split) / 4000 == pytest.approx(share, abs=0.03)
    with pytest.raises(UnknownName, match="split"):
        corpus.entries("dev")


def test_windows_are_pieces_of_clips_and_every_place_is_as_likely(corpus):
    entries = {entry.name: clip for entry, clip in zip(corpus.entries(), CLIPS, strict=True)}
    fields = ("qpos", "qvel", "forearm", "fingertips", "activations")
    batch = corpus.windows(np.random.default_rng(0), 4000, 70, split=None, fields=fields)
    names = [entry.name for entry in corpus.entries()]
    for row in range(0, 4000, 100):
        clip = entries[names[batch.clip[row]]]
        piece = slice(batch.start[row], batch.start[row] + 70)
        for name in fields:
            np.testing.assert_array_equal(getattr(batch, name)[row], getattr(clip, name)[piece])
    # Only clips of 70 to 79 frames are long enough, with 1 to 10 places.
    places = np.array([max(clip.frames - 69, 0) for clip in CLIPS])
    expected = 4000 * places / places.sum()
    counts = np.bincount(batch.clip, minlength=len(CLIPS))
    assert np.all(np.abs(counts - expected) <= 5 * np.sqrt(expected))


def test_windows_depend_on_the_seed_and_stay_in_their_split(corpus):
    batch, same_batch = (corpus.windows(np.random.default_rng(7), 50, 16) for _ in range(2))
    np.testing.assert_array_equal(batch.qpos, same_batch.qpos)
    assert batch.activations is None
    train = np.concatenate([clip.qpos for clip in corpus.clips("train")])
    assert np.isin(batch.qpos[:, 0, 0], train[:, 0]).all()


def test_what_windows_refuse(corpus, tmp_path):
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidValue, match="at most 79 frames"):
        corpus.windows(rng, 1, 80, split=None)
    with pytest.raises(InvalidValue, match="batch"):
        corpus.windows(rng, 0, 10)
    with pytest.raises(UnknownName, match="field"):
        corpus.windows(rng, 1, 10, fields=("torque",))
    (tmp_path / "mixed").mkdir()
    mixed = make_corpus(tmp_path / "mixed", [make_clip(0, 20), make_clip(1, 20, muscles=None)])
    with pytest.raises(InvalidValue, match="muscles of clip clip_1"):
        mixed.windows(rng, 1, 10, split=None, fields=("activations",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidValue, match="length"):
        make_corpus(tmp_path / "empty", []).windows(rng, 1, 10)


def test_ten_thousand_windows_a_second(tmp_path):
    corpus = make_corpus(tmp_path, [make_clip(number, 2000) for number in range(20)])
    rng = np.random.default_rng(0)
    corpus.windows(rng, 256, 64, split=None)
    best = np.inf
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(4):
            batch = corpus.windows(rng, 256, 64, split=None)
        best = min(best, time.perf_counter() - begin)
    assert batch.fingertips.shape == (256, 64, 5, 3)
    assert 4 * 256 / best > 10_000


def test_shards_that_are_gone_or_changed_are_named(corpus, tmp_path):
    (tmp_path / "shard_00001.h5").unlink()
    with open(tmp_path / "shard_00003.h5", "r+b") as file:
        file.seek(3000)
        file.write(b"\x99" * 8)
    with pytest.raises(CorpusError, match=r"shard_00001.h5 is missing; shard_00003.h5 has changed"):
        corpus.verify()
    with pytest.raises(MusclehandError, match=r"shard_00001.h5"):
        list(corpus.clips())
    write_clips(tmp_path / "shard_00001.h5", [*CLIPS[10:19], make_clip(19, 5)])
    with pytest.raises(CorpusError, match=r"clip_19 differs from index.json"):
        list(corpus.clips())


def edit(folder, change):
    content = json.loads((folder / INDEX).read_text())
    change(content)
    (folder / INDEX).write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("shards"),
        lambda c: c.update(version=2),
        lambda c: c.update(shards=[1]),
        lambda c: c["shards"].update({"../x.h5": c["shards"]["shard_00000.h5"]}),
        lambda c: c["shards"]["shard_00000.h5"].update(sha256="0"),
        lambda c: c["shards"]["shard_00000.h5"].update(sha256=None),
        lambda c: c["shards"]["shard_00000.h5"].update(failures=[3]),
        lambda c: c["shards"]["shard_00000.h5"]["clips"][0].update(frames=-1),
        lambda c: c["shards"]["shard_00000.h5"]["clips"][0].update(frames=2.5),
        lambda c: c["shards"]["shard_00000.h5"]["clips"][0].update(split="test train"),
        lambda c: c["shards"]["shard_00000.h5"]["clips"][0].update(pattern=None),
        lambda c: c["shards"]["shard_00000.h5"]["clips"][0].update(more=1),
        lambda c: c["shards"]["shard_00000.h5"]["clips"][0].pop("dt"),
    ],
)
def test_an_index_out_of_order_is_refused(corpus, tmp_path, change):
    edit(tmp_path, change)
    with pytest.raises(CorpusError, match=INDEX):
        open_corpus(tmp_path)


def test_a_folder_without_a_corpus(tmp_path):
    with pytest.raises(CorpusError, match="No such file"):
        open_corpus(tmp_path)
    (tmp_path / INDEX).write_text("[" * 100_000)
    with pytest.raises(CorpusError, match="not JSON"):
        open_corpus(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_json_is_an_index_or_refused(tmp_path, data):
    content = {
        "format": "musclehand-corpus",
        "version": 1,
        "complete": True,
        "plan": {},
        "shards": {},
    }
    clip = {
        "name": "a",
        "kind": "a",
        "pattern": "a",
        "side": "r",
        "frames": 1,
        "dt": 0.1,
        "split": split_of("a"),
    }
    shard = {"sha256": "0" * 64, "clips": [clip], "failures": []}
    content["shards"]["shard_00000.h5"] = shard
    where = data.draw(st.sampled_from([content, shard, clip]))
    where[data.draw(st.sampled_from(list(where)))] = data.draw(json_values)
    (tmp_path / INDEX).write_text(json.dumps(content))
    try:
        index = read_index(tmp_path)
    except CorpusError:
        index = CorpusIndex()
    assert isinstance(index, CorpusIndex)
    for entry in index.shards.values():
        assert all(clip.frames >= 1 for clip in entry.clips)
