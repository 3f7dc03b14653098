"""The self-playing keyboard plays what it is given: pitches, onsets, offsets, velocities, every
metric at its best."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.generate import exercises as generate
from musclehand.music.metrics import score_performance
from musclehand.music.score import Note, Pedal, Score, keyboard_score
from musclehand.piano.build import build_piano, find_keys
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.piano.keys import KeySensor
from musclehand.piano.player import KeyboardPlayer

PARAMS = load_piano_parameters()
GEOMETRY = keyboard_geometry(PARAMS)
MODEL = build_piano(PARAMS).compile()
KEYS = find_keys(MODEL)
INTEGRATORS = ("EULER", "IMPLICIT", "IMPLICITFAST")


def play(score, *, dt=0.002, integrator="IMPLICITFAST", start=0.1):
    """What the piano hears, and the largest distance of any key from its reference and past its
    stop [rad]."""
    MODEL.opt.timestep = dt
    MODEL.opt.integrator = getattr(mujoco.mjtIntegrator, f"mjINT_{integrator}")
    data = mujoco.MjData(MODEL)
    player = KeyboardPlayer(MODEL, PARAMS, score, start=start)
    sensor = KeySensor(PARAMS, start=start)
    off_path = 0.0
    past_stop = -1.0
    for step in range(round((start + score.duration + 0.1) / dt)):
        player.apply(data)
        mujoco.mj_step(MODEL, data)
        angles = data.qpos[KEYS.qpos]
        sensor.update(data.time, angles, data.qvel[KEYS.dof], player.pedal(data.time))
        off_path = max(off_path, float(np.abs(angles - player.reference(step + 1)).max()))
        past_stop = max(past_stop, float((angles - GEOMETRY.full_angle).max()))
    return sensor.finish(data.time), off_path, past_stop


def by_key(score):
    return sorted(score.notes, key=lambda note: (note.pitch, note.onset))


def assert_played(score, played, *, time=2e-9, velocity=0):
    assert len(played) == len(score)
    for expected, heard in zip(by_key(score), by_key(played), strict=True):
        assert heard.pitch == expected.pitch
        assert heard.onset == pytest.approx(expected.onset, abs=time)
        assert heard.offset == pytest.approx(expected.offset, abs=time)
        assert abs(heard.velocity - expected.velocity) <= velocity


@st.composite
def lines(draw):
    """One key's presses, from crowded to leisurely, never shorter than 10 ms nor nearer than 20
    ms."""
    pitch = draw(st.integers(21, 108))
    notes = []
    time = 0.0
    for _ in range(draw(st.integers(1, 8))):
        time += draw(st.one_of(st.floats(0.02, 0.06), st.floats(0.02, 0.2), st.just(0.125)))
        length = draw(st.one_of(st.floats(0.01, 0.04), st.floats(0.01, 0.2), st.just(0.125)))
        notes.append(Note(time, pitch, time + length, draw(st.integers(1, 127))))
        time += length
    return notes


@settings(max_examples=20, deadline=None)
@given(parts=st.lists(lines(), min_size=1, max_size=8, unique_by=lambda notes: notes[0].pitch))
def test_crowded_repeats_are_played_exactly(parts):
    score = Score(tuple(note for part in parts for note in part))
    played, off_path, _ = play(score)
    assert_played(score, played)
    assert off_path < 1e-12


random_notes = st.builds(
    lambda onset, pitch, length, velocity: Note(onset, pitch, onset + length, velocity),
    st.integers(0, 70).map(lambda n: n * 0.02),
    st.integers(21, 108) | st.integers(60, 64),
    st.integers(1, 35).map(lambda n: n * 0.02),
    st.integers(1, 127),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(random_notes, min_size=1, max_size=40))
def test_any_score_made_playable_is_perfect_on_every_metric(notes):
    score = keyboard_score(Score(tuple(notes)))
    played, _, _ = play(score)
    assert_played(score, played)
    metrics = score_performance(score, played)
    assert metrics.frame_f1_mean == 1.0
    assert metrics.frame_f1_micro in (
        1.0,
        None,
    )  # None: every note slips between the frames' middles
    assert metrics.onset_f1_50ms == metrics.onset_f1_100ms == 1.0
    assert metrics.onset_error_ms_p95 < 0.2
    assert not metrics.missed
    assert not metrics.extra
    assert metrics.velocity_error == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_generated_music_is_perfect(seed):
    rng = np.random.default_rng(seed)
    makers = (
        lambda: generate.two_hand_texture(rng, difficulty=1.0, seconds=3.0),
        lambda: generate.random_score(rng, num_notes=60, seconds=3.0),
        lambda: generate.random_melody(rng, difficulty=1.0, seconds=3.0),
    )
    score = makers[seed % 3]()
    played, off_path, _ = play(score)
    assert_played(score, played)
    assert off_path < 1e-12


def chromatic(velocity, *, length=0.05, gap=0.03, repeats=4):
    """Every key, each at its own place between the steps."""
    notes = []
    for pitch in range(21, 109):
        first = 0.00037 * (pitch - 21)
        for i in range(repeats):
            onset = first + i * (length + gap + 0.00071)
            notes.append(Note(onset, pitch, onset + length, velocity))
    return Score(tuple(notes))


@pytest.mark.parametrize("integrator", INTEGRATORS)
@pytest.mark.parametrize("dt", [0.001, 0.002, 0.004])
def test_exact_at_any_step_and_integrator(dt, integrator):
    score = chromatic(80)
    played, off_path, past_stop = play(score, dt=dt, integrator=integrator)
    assert_played(score, played)
    assert off_path < 1e-12
    assert past_stop < 0


@pytest.mark.parametrize("velocity", [1, 20, 64, 110, 127])
def test_every_velocity_comes_out_at_two_milliseconds(velocity):
    score = chromatic(velocity)
    played, _, past_stop = play(score)
    assert_played(score, played)
    # the loudest strokes pass both thresholds within a step or two and may end one sample in the
    # soft stop
    assert past_stop < (0.006 if velocity > 115 else 0.0)


def test_four_milliseconds_are_too_long_for_the_loudest_strokes_only():
    assert_played(chromatic(105), play(chromatic(105), dt=0.004)[0])
    assert_played(chromatic(127), play(chromatic(127), dt=0.004)[0], velocity=20)


@pytest.mark.parametrize(
    ("length", "gap"), [(0.0005, 0.03), (0.003, 0.02), (0.05, 0.001), (0.05, 0.005), (0.004, 0.004)]
)
def test_notes_too_short_or_too_near_are_late_or_early_but_never_lost(length, gap):
    score = chromatic(70, length=length, gap=gap)
    played, _, _ = play(score)
    assert len(played) == len(score)
    for expected, heard in zip(by_key(score), by_key(played), strict=True):
        assert heard.pitch == expected.pitch
        assert heard.onset == pytest.approx(expected.onset, abs=0.003)
        assert heard.offset == pytest.approx(expected.offset, abs=0.009)


def test_keys_rest_between_notes_and_at_the_end():
    score = Score((Note(0.0, 60, 0.3), Note(0.6, 60, 0.7)))
    player = KeyboardPlayer(MODEL, PARAMS, score, start=0.5)
    dt = MODEL.opt.timestep
    for t in (0.0, 0.4, 0.9, 0.95, 1.3, 100.0):
        np.testing.assert_array_equal(player.reference(round(t / dt)), 0.0)
    held = player.reference(round(0.65 / dt))
    assert held[39] > GEOMETRY.on_angle[39]
    assert held[39] < GEOMETRY.full_angle[39]
    assert np.count_nonzero(held) == 1
    # looking back is allowed
    np.testing.assert_array_equal(player.reference(round(0.4 / dt)), 0.0)


def test_forces_go_to_the_keys_only_and_are_those_of_a_pianist():
    data = mujoco.MjData(MODEL)
    score = Score((Note(0.0, 60, 0.3, 80),))
    player = KeyboardPlayer(MODEL, PARAMS, score)
    largest = 0.0
    for _ in range(200):
        player.apply(data)
        mujoco.mj_step(MODEL, data)
        largest = max(largest, float(np.abs(data.qfrc_applied).max()))
        assert np.count_nonzero(data.qfrc_applied) <= 1
    # measured 1.9 N m: 13 N at the front edge, when the stroke sets in at once
    assert 0.1 < largest < 5.0


def test_pedal():
    score = Score((Note(0.0, 60, 0.1),), (Pedal(0.2, 0.5), Pedal(0.4, 0.8), Pedal(1.0, 1.1)))
    player = KeyboardPlayer(MODEL, PARAMS, score, start=0.1)
    times = np.array([0.25, 0.35, 0.55, 0.85, 0.95, 1.15, 1.25])
    assert [player.pedal(t) for t in times] == [0, 1, 1, 1, 0, 1, 0]
    played, _, _ = play(Score((Note(0.0, 60, 1.5),), (Pedal(0.2, 0.5), Pedal(1.0, 1.1))))
    assert [(p.start, p.end) for p in played.pedals] == [
        (pytest.approx(0.2, abs=0.0021), pytest.approx(0.5, abs=0.0021)),
        (pytest.approx(1.0, abs=0.0021), pytest.approx(1.1, abs=0.0021)),
    ]


def test_what_cannot_be_played_is_named():
    overlapping = Score((Note(0.0, 60, 0.5), Note(0.3, 60, 0.6)))
    with pytest.raises(InvalidValue, match="keyboard_score"):
        KeyboardPlayer(MODEL, PARAMS, overlapping)
    with pytest.raises(InvalidValue, match="start"):
        KeyboardPlayer(MODEL, PARAMS, Score((Note(0.0, 60, 0.5),)), start=0.0)
    model = build_piano(PARAMS).compile()
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_RK4
    with pytest.raises(InvalidValue, match="integrator"):
        KeyboardPlayer(model, PARAMS, Score(()))


def test_an_empty_score_is_silence():
    played, off_path, _ = play(Score(()))
    assert len(played) == 0
    assert off_path == 0.0
