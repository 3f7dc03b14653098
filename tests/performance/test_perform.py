"""Performances end to end: the keyboard is perfect, hands are good, results repeat, and the
recording tells all."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.control.muscle_control import ControlConfig
from musclehand.controllers.controller import Controller
from musclehand.controllers.keyboard import KeyboardController
from musclehand.controllers.muscle import MuscleController, playing_control
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError, UnknownName
from musclehand.core.recording_reader import Recording
from musclehand.music.generate import exercises as generate
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Note, Pedal, Score, keyboard_score
from musclehand.performance.perform import SimulationError, perform, practise
from musclehand.performance.players import PlanPlayer
from musclehand.performance.record import NOTE_COLUMNS, note_table
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.plan import LEAD_IN, TAIL, plan_performance
from musclehand.planning.strokes.rehearsal import Rehearsal
from musclehand.sim.scene import build_scene

PIECES = [piece.name for piece in list_pieces()]
SHARES = ("frame_f1_mean", "frame_precision_mean", "frame_recall_mean", "frame_f1_micro", "frame_precision_micro",
          "frame_recall_micro", "onset_f1_50ms", "onset_precision_50ms", "onset_recall_50ms", "onset_f1_100ms",
          "onset_precision_100ms", "onset_recall_100ms")  # fmt: skip
NUM_GENERATED = 200
NUM_BY_DEFAULT = 40


def assert_perfect(metrics):
    for name in SHARES:
        assert getattr(metrics, name) == 1.0, name
    assert (metrics.missed, metrics.extra, metrics.wrong) == (0, 0, 0)
    assert metrics.num_played == metrics.num_reference
    assert metrics.onset_error_ms_p95 < 1e-3
    assert metrics.velocity_error == 0


def generated(seed):
    """Scores of all kinds: random keys, or music for two hands of any difficulty."""
    rng = np.random.default_rng(seed)
    seconds = float(rng.uniform(2, 5))
    if seed % 2:
        return generate.random_score(rng, num_notes=int(rng.integers(1, 90)), seconds=seconds)
    return generate.two_hand_texture(rng, float(rng.random()), seconds)


@pytest.mark.parametrize("name", PIECES)
def test_the_keyboard_plays_the_repertoire_perfectly(name):
    result = perform(load_piece(name), "keyboard")
    assert_perfect(result.metrics)
    assert result.body == (result.body.__class__)(None, None, None)
    assert result.controller == "keyboard"


@pytest.mark.parametrize("seed", range(NUM_BY_DEFAULT))
def test_the_keyboard_plays_generated_scores_perfectly(seed):
    assert_perfect(perform(generated(seed), "keyboard").metrics)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(NUM_BY_DEFAULT, NUM_GENERATED))
def test_the_keyboard_plays_more_generated_scores_perfectly(seed):
    assert_perfect(perform(generated(seed), "keyboard").metrics)


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0.02, 1), st.integers(21, 108), st.integers(1, 127)), min_size=1,
             max_size=30)
)  # fmt: skip
def test_what_is_played_is_what_one_keyboard_can_play(rows):
    score = Score(
        tuple(
            Note(onset, pitch, onset + length, velocity) for onset, length, pitch, velocity in rows
        )
    )
    result = perform(score, "keyboard")
    assert result.score == keyboard_score(score)
    assert result.metrics.onset_recall_100ms == 1.0
    assert result.metrics.extra == 0


def test_the_pedal_is_played_too():
    score = Score((Note(0, 60, 0.5), Note(0.5, 64, 1.0)), (Pedal(0.1, 0.9),))
    played = perform(score, "keyboard").played
    assert len(played.pedals) == 1
    assert played.pedals[0].start == pytest.approx(0.1, abs=2e-3)
    assert played.pedals[0].end == pytest.approx(0.9, abs=2e-3)


def test_an_empty_score_is_silence():
    result = perform(Score(()), "keyboard")
    assert len(result.played) == 0
    assert result.metrics.missed == result.metrics.extra == 0


@pytest.fixture(scope="module")
def clip():
    return load_piece("ode_to_joy").clip(0, 2)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("recording") / "hands.h5"


@pytest.fixture(scope="module")
def hands(clip, path):
    """Two hands play two seconds, recorded."""
    with threadpool_limits(limits=1):
        return perform(clip, record=path, seed=7)


def test_hands_play_an_easy_piece(hands):
    assert hands.metrics.onset_f1_50ms > 0.8
    assert hands.metrics.frame_f1_micro > 0.7
    assert hands.body.joint_rmse_deg < 5
    assert hands.body.fingertip_error_mm < 8
    assert 0.005 < hands.body.mean_activation < 0.3


def test_fingers_and_hands_are_assigned_to_what_is_played(hands, clip):
    target = keyboard_score(clip)
    assert [(n.onset, n.pitch) for n in hands.score.notes] == [
        (n.onset, n.pitch) for n in target.notes
    ]
    assert all(note.hand is not None for note in hands.score.notes)
    assert hands.duration_s == hands.score.duration
    assert hands.realtime_factor == pytest.approx(hands.duration_s / hands.wall_s)


def test_the_same_again_with_more_threads(hands, clip):
    """Same score, same machine: identical notes and numbers, recorded or not, whatever the
    thread count."""
    with threadpool_limits(limits=2):
        again = perform(clip, seed=7)
    assert again.played == hands.played
    assert again.score == hands.score
    assert again.body == hands.body
    assert json.dumps(again.metrics.as_dict()) == json.dumps(hands.metrics.as_dict())
    assert again.provenance == hands.provenance


def test_the_keyboard_repeats_itself_to_the_last_bit(clip):
    results = []
    for limit in (1, 2):
        with threadpool_limits(limits=limit):
            results.append(perform(clip, "keyboard"))
    assert results[0].played == results[1].played
    assert results[0].metrics == results[1].metrics


def test_the_recording_has_every_channel_with_units_and_names(hands, path):
    with Recording.open(path) as recording:
        assert recording.complete
        units = {name: channel.unit for name, channel in recording.channels.items()}
        assert units == {
            "time": "s",
            "qpos": "rad or m",
            "qvel": "rad/s or m/s",
            "key_angle": "rad",
            "act": "1",
            "ctrl": "1; m, rad for forearms",
            "muscle_force": "N, pull negative",
            "reference": "rad",
        }
        assert recording["key_angle"].shape[1] == 88
        assert (
            len(recording["act"].names)
            == recording["act"].shape[1]
            == recording["muscle_force"].shape[1]
            == 92
        )
        assert len(recording["reference"].names) == 2 * len(HAND_JOINTS)
        metadata = recording.metadata
        assert metadata["seed"] == 7
        assert metadata["lead_in_s"] == LEAD_IN
        assert metadata["model_sha256"] == hands.provenance["model_sha256"]
        assert metadata["mujoco"]


def test_the_recording_is_of_this_performance(hands, path):
    with Recording.open(path) as recording:
        time = recording["time"][:]
        step = recording.metadata["control_dt_s"]
        assert np.diff(time) == pytest.approx(step)
        assert time[0] == pytest.approx(-LEAD_IN)
        assert time[-1] == pytest.approx(hands.duration_s + TAIL, abs=2 * step)
        assert (recording["act"][:] >= 0).all()
        assert (recording["act"][:] <= 1).all()
        assert recording["muscle_force"][:].max() < 1e-3
        assert recording["muscle_force"][:].min() < -1
        names = recording["qpos"].names
        qpos = recording["qpos"][:]
        columns = [names.index(name) for name in recording["reference"].names]
        error = np.rad2deg(qpos[:, columns] - recording["reference"][:])
        assert np.sqrt((error**2).mean()) == pytest.approx(hands.body.joint_rmse_deg, rel=0.3)
        played = recording.table("played")
        score = recording.table("score")
        assert played.columns == tuple(NOTE_COLUMNS)
        assert played.values == pytest.approx(note_table(hands.played))
        assert score.values == pytest.approx(note_table(hands.score))
        down = recording["key_angle"][:].max(axis=0) > np.deg2rad(2)
        assert {note.key for note in hands.played.notes} <= set(np.flatnonzero(down))


def test_progress_runs_from_start_to_end(clip):
    seen = []
    perform(clip, "keyboard", progress=lambda now, end: seen.append((now, end)))
    times, ends = zip(*seen, strict=True)
    assert list(times) == sorted(times)
    assert len(set(ends)) == 1
    assert times[-1] == ends[-1] == pytest.approx(LEAD_IN + clip.duration + TAIL)


class Silent(KeyboardController):
    """Never touches a key."""

    def drive(self, data, step, substep):
        """Nothing."""


class Exploding(Silent):
    """Throws a key out of the world after half a second."""

    def control(self, data, step):
        """An acceleration that no integrator survives."""
        if data.time > 0.5:
            data.qfrc_applied[:] = 1e18


def test_a_controller_of_ones_own_decides_what_is_played(clip):
    result = perform(clip, Silent(keyboard_score(clip)))
    assert result.controller == "Silent"
    assert len(result.played) == 0
    assert result.metrics.missed == len(keyboard_score(clip))
    assert result.metrics.onset_f1_50ms == result.metrics.baseline_silent.onset_f1_50ms == 0
    assert issubclass(Silent, Controller)


def test_an_unstable_simulation_is_an_error_and_keeps_what_was_recorded(clip, tmp_path):
    path = tmp_path / "broken.h5"
    with pytest.raises(SimulationError, match=r"unstable before 0\.5"):
        perform(clip, Exploding(keyboard_score(clip)), record=path)
    with Recording.open(path) as recording:
        assert not recording.complete
        assert np.isfinite(recording["qpos"][:]).all()


def test_what_cannot_be_done_is_named_before_anything_is_written(clip, tmp_path):
    with pytest.raises(UnknownName, match=r"controller 'keybord'; did you mean: keyboard"):
        perform(clip, "keybord", record=tmp_path / "never.h5")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputError, match="missing"):
        perform(clip, "keyboard", record=tmp_path / "missing" / "out.h5")
    assert issubclass(SimulationError, MusclehandError)


def test_note_table_marks_what_is_not_known():
    rows = note_table(Score((Note(0, 60, 1), *load_piece("five_finger_right").notes[:1])))
    assert rows.shape == (2, len(NOTE_COLUMNS))
    assert sorted(rows[:, 4]) == [-1, 1] or math.isclose(rows[:, 4].min(), -1)
    assert note_table(Score(())).shape == (0, len(NOTE_COLUMNS))


def test_muscles_share_the_work_as_asked(clip):
    """The criterion reaches the hands: the same notes, by other activations."""
    short = clip.clip(0, 1.0)
    plain = perform(short)
    control = replace(playing_control(), criterion="cubes", co_contraction=0.1)
    stiff = perform(short, PlayerSettings(control=control))
    assert stiff.body.mean_activation > 1.5 * plain.body.mean_activation
    assert sorted(note.pitch for note in stiff.played.notes) == sorted(
        note.pitch for note in plain.played.notes
    )
    with pytest.raises(UnknownName, match="criterion"):
        perform(short, PlayerSettings(control=ControlConfig(criterion="work")))


def test_a_plan_is_played_by_a_controller_made_with_it(hands, clip):
    plan = plan_performance(clip)
    result = perform(clip, MuscleController(plan), seed=7)
    assert result.controller == "MuscleController"
    assert result.played == hands.played
    assert result.body == hands.body
    # A plan is a value: playing has not changed it, and it can be played again.
    assert perform(clip, MuscleController(plan)).played == hands.played
    assert plan == plan_performance(clip)


def test_a_controller_for_another_scene_is_refused(clip):
    plan = plan_performance(clip)
    with pytest.raises(InvalidValue, match="scene's hands"):
        MuscleController(plan, scene=build_scene(sides=(Side.RIGHT,)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"controller": "planner"}, "unknown controller 'planner'"),
        ({"pedal": "down"}, "unknown pedal 'down'"),
        ({"processes": 3}, "processes"),
        ({"rehearsals": -1}, "rehearsals"),
        ({"rehearsals": 1, "controller": "keyboard"}, "rehearsals"),
        ({"rehearsals": 1, "controller": "high-level"}, "rehearsals"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields, words):
    with pytest.raises(MusclehandError, match=words):
        PlayerSettings(**fields)


def test_a_performance_shows_itself_in_a_notebook(hands):
    page = hands._repr_html_()
    assert "onset_f1_50ms" in page
    assert f"{hands.metrics.onset_f1_50ms:.3f}" in page
    assert "Ode to Joy" in page


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_the_run_that_is_kept_is_the_one_recorded(tmp_path, monkeypatch, kept):
    """An earlier run than the last is played again for the recording, to the same bits."""
    monkeypatch.setattr(Rehearsal, "best", kept)
    score = load_piece("clementi_sonatina").clip(0, 1.5)
    done = []
    path = tmp_path / "recording.h5"
    result = perform(
        score,
        PlayerSettings(rehearsals=2, processes=1),
        record=path,
        progress=lambda now, end: done.append(now / end),
    )
    assert result.kept_run == kept
    assert result.metrics == result.rehearsals[kept]
    assert len(set(result.rehearsals)) == 3
    with Recording.open(path) as recording:
        played = recording.table("played").values
        np.testing.assert_allclose(played, note_table(result.played), rtol=1e-6)
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert result.plan is not None
    player = PlanPlayer(keyboard_score(score), PlayerSettings(rehearsals=2, processes=1))
    with threadpool_limits(limits=1):
        unrecorded = practise(player, keyboard_score(score), 2).take
    again = perform(score, MuscleController(player.final_plan))
    assert (again.played, again.body) == (result.played, result.body)
    assert (unrecorded.played, unrecorded.body) == (result.played, result.body)
