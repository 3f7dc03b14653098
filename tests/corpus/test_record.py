"""What the hands of a corpus do: clips against the recording and the model they come from."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.body.hand_index import wrist_centre
from musclehand.core.errors import MusclehandError
from musclehand.corpus import record
from musclehand.corpus.plan import CorpusJob
from musclehand.corpus.record import (
    FREE_FOREARM,
    FREE_KINDS,
    FREE_SHARE,
    FreeMotion,
    free_limits,
    full_scene,
    make_item,
    make_shard,
    play_score,
    track_motion,
)
from musclehand.motion.clip import LEAD_KEPT, write_clips
from musclehand.motion.reference import reference_motions
from musclehand.music.generate.patterns import PatternScore, pattern_score
from musclehand.music.score import Hand, Note, Score


@pytest.fixture(scope="module")
def played():
    """The right hand plays three notes, the left one."""
    notes = [Note(0.3 * i, 60 + 2 * i, 0.3 * i + 0.25, 70, Hand.RIGHT) for i in range(3)]
    score = Score((*notes, Note(0.0, 45, 0.5, 60, Hand.LEFT)), title="four notes")
    return {clip.side: clip for clip in play_score(PatternScore("test", "scale", score), "7")}


def assert_fits_the_model(clip):
    """The wrist and the fingertips are where the model has them in the clip's postures."""
    scene = full_scene()
    hand = scene.hands[clip.side]
    carrier = scene.forearms[clip.side]
    data = mujoco.MjData(scene.model)
    for row in (0, clip.frames // 2, clip.frames - 1):
        hand.pose(data, clip.qpos[row])
        data.qpos[carrier.qpos] = clip.forearm[row]
        mujoco.mj_kinematics(scene.model, data)
        np.testing.assert_allclose(data.site_xpos[hand.tips], clip.fingertips[row], atol=1e-5)
        # The forearm's frame lies where the wrist is at neutral rotation; turning the forearm moves
        # it by a few mm.
        np.testing.assert_allclose(
            wrist_centre(scene.model, data, hand), clip.forearm[row, :3], atol=4e-3
        )


def test_each_hand_that_plays_gets_a_clip(played):
    assert set(played) == set(Side)
    right = played[Side.RIGHT]
    assert right.name == "7_r"
    assert right.dt == pytest.approx(0.008, abs=0.003)
    np.testing.assert_allclose(right.notes[:, 0], LEAD_KEPT + 0.3 * np.arange(3), atol=0.02)
    np.testing.assert_array_equal(right.notes[:, 2], [60, 62, 64])
    assert set(right.notes[:, 4]) <= {1, 2, 3, 4, 5}
    np.testing.assert_array_equal(played[Side.LEFT].notes[:, 2], [45])
    assert float(right.source["onset_f1_50ms"]) > 0.5
    for clip in played.values():
        assert clip.muscles == right.muscles
        assert clip.activations.shape == (clip.frames, 46)
        assert 0.0 <= clip.activations.min() <= clip.activations.max() <= 1.0
        assert_fits_the_model(clip)


def test_speeds_are_the_rates_of_the_angles(played):
    for clip in played.values():
        rate = np.gradient(clip.qpos.astype(float), clip.dt, axis=0)[1:-1]
        assert np.median(np.abs(rate - clip.qvel[1:-1])) < 0.05
        for joint in range(len(HAND_JOINTS)):
            if np.ptp(rate[:, joint]) > 2.0:
                assert np.corrcoef(rate[:, joint], clip.qvel[1:-1, joint])[0, 1] > 0.8


def test_a_fingertip_is_down_at_its_key_when_its_note_sounds(played):
    clip = played[Side.RIGHT]
    for onset, offset, _, _, finger in clip.notes:
        row = round(0.5 * (onset + offset) / clip.dt)
        assert clip.fingertips[row, int(finger) - 1, 2] < 0.012


def test_a_hand_follows_a_motion_over_the_keys_and_left_mirrors_right():
    motion = reference_motions(free_limits(), seconds=10.0)[1]
    short = type(motion)(
        motion.name, motion.kind, motion.dt, motion.angles[:120], motion.speeds[:120]
    )
    right, left = (track_motion(FreeMotion(short, side), "3", seed=0) for side in Side)
    assert (right.kind, right.pattern, left.name) == ("taps", "taps 0-3", "3_l")
    np.testing.assert_allclose(right.forearm[0], FREE_FOREARM[Side.RIGHT], atol=1e-6)
    np.testing.assert_allclose(left.fingertips, right.fingertips * [-1, 1, 1], atol=1e-4)
    assert len(right.notes) == 0
    assert right.activations.shape == (right.frames, 46)
    assert_fits_the_model(right)
    assert_fits_the_model(left)


def test_items_depend_on_seed_and_number_only():
    items = [make_item(0, number) for number in range(40)]
    free = [item for item in items if isinstance(item, FreeMotion)]
    assert 0 < len(free) < 3 * FREE_SHARE * len(items)
    assert {item.motion.kind for item in free} <= set(FREE_KINDS)
    number = items.index(free[0])
    again = make_item(0, number)
    np.testing.assert_array_equal(again.motion.angles, free[0].motion.angles)
    scores = [number for number, item in enumerate(items) if isinstance(item, PatternScore)]
    assert items[scores[5]] == make_item(0, scores[5]) == pattern_score(0, scores[5])


def test_what_fails_is_left_out_and_told(monkeypatch):
    monkeypatch.setattr(
        record, "make_item", lambda seed, number, chorales: pattern_score(seed, number)
    )

    def broken(made, name):
        raise MusclehandError(f"{name} fell over")

    monkeypatch.setattr(record, "play_score", broken)
    content = make_shard(CorpusJob(2, 0, False))
    assert content.clips == ()
    assert len(content.failures) == 6
    assert content.failures[0].startswith("0000012 ")
    assert content.failures[0].endswith("0000012 fell over")


@pytest.mark.slow
def test_a_shard_has_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        write_clips(tmp_path / name, make_shard(CorpusJob(0, 11, False)).clips)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
