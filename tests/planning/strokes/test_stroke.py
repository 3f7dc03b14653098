"""Strokes: minimum jerk in closed form, and keys that sound when the score says so."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from musclehand.body.anatomy import DISTAL_BODIES, Side
from musclehand.motion.playing_hand import TIP_RADIUS, WRIST_HEIGHT, PlayingHand
from musclehand.music.score import Finger, Hand, Note
from musclehand.piano.geometry import key_top_point, keyboard_geometry, load_piano_parameters
from musclehand.piano.keys import velocity_to_key_speed
from musclehand.planning.strokes.corrections import Correction, Corrections, IdleLift
from musclehand.planning.strokes.placement import WristPose, nominal_tip, note_point
from musclehand.planning.strokes.press import (
    LOADED_TIP_GAP,
    key_load,
    min_jerk,
    time_share,
)
from musclehand.planning.strokes.reach import ReachConfig, plan_wrist
from musclehand.planning.strokes.release import plan_releases
from musclehand.planning.strokes.strike import StrokeConfig
from musclehand.planning.strokes.stroke import HandStrokes

PIANO = load_piano_parameters()
GEOMETRY = keyboard_geometry(PIANO)
CONFIG = StrokeConfig()
HAND = PlayingHand()


def path_of(notes, side=Side.RIGHT):
    """A wrist path, and where it would like to be for each note."""
    places = [
        note_point(note, GEOMETRY, HAND) - nominal_tip(side, note.finger, HAND) for note in notes
    ]
    poses = [WristPose(np.array([*place, WRIST_HEIGHT]), np.zeros(2), 0.0) for place in places]
    return plan_wrist(notes, poses, side, end=notes[-1].offset + 2), poses


def points_of(notes):
    """Where the fingers press."""
    return np.array([note_point(note, GEOMETRY, HAND) for note in notes])


def strokes_of(notes, side=Side.RIGHT, config=CONFIG):
    path, _ = path_of(notes, side)
    return HandStrokes(
        notes, points_of(notes), side, path, piano=PIANO, geometry=GEOMETRY, config=config
    ), path


def heights(strokes, finger, times):
    """Height of a fingertip's lowest point over the white tops [m]."""
    return (
        strokes.at(times).tips[:, finger - 1, 2]
        + strokes.path.at(times)[0][:, 2]
        - TIP_RADIUS[finger - 1]
    )


def single_notes(count=6, spacing=0.6, pitches=(60, 62, 64, 65, 67), fingers=(1, 2, 3, 4, 5)):
    return [
        Note(
            1 + spacing * i,
            pitches[i % len(pitches)],
            1.3 + spacing * i,
            80,
            Hand.RIGHT,
            Finger(fingers[i % 5]),
        )
        for i in range(count)
    ]


def test_minimum_jerk_in_closed_form():
    """10 s^3 - 15 s^4 + 6 s^5: from 0 to 1, at rest and without acceleration at both ends, odd
    about the middle."""
    share = np.linspace(0, 1, 1001)
    position = min_jerk(share)
    assert position == pytest.approx(10 * share**3 - 15 * share**4 + 6 * share**5)
    velocity = np.gradient(position, share)
    assert (position[0], position[500], position[-1]) == pytest.approx((0, 0.5, 1))
    assert velocity[[0, -1]] == pytest.approx(0, abs=1e-5)
    assert np.gradient(velocity, share)[[1, -2]] == pytest.approx(0, abs=0.1)
    assert velocity.max() == pytest.approx(1.875, abs=1e-4)
    assert position + position[::-1] == pytest.approx(1)
    assert min_jerk(np.array([-3.0, 4.0])).tolist() == [0, 1]


@given(st.floats(0, 1))
def test_time_share_inverts_minimum_jerk(progress):
    """Exact to the grid of its table."""
    assert min_jerk(np.array(time_share(progress))) == pytest.approx(progress, abs=2e-4)


def test_fingertip_radii_are_those_of_the_model(tables):
    radii = {row.body: row.radius for row in tables.segments}
    assert pytest.approx([radii[body] for body in DISTAL_BODIES]) == TIP_RADIUS


@pytest.mark.parametrize(
    "pitches", [(60, 62, 64, 65, 67), (61, 63, 66, 68, 70)], ids=["white", "black"]
)
def test_keys_cross_their_thresholds_at_onset_and_offset(pitches):
    """The fingertip's skin is as low as the sounding key at the onset, less the muscles' delay;
    on the way down it is a little above the key that it moves."""
    notes = single_notes(pitches=pitches)
    strokes, _ = strokes_of(notes)
    for note in notes:
        y = note_point(note, GEOMETRY, HAND)[1]
        for moment, angle, skin in (
            (note.onset - CONFIG.delay, GEOMETRY.on_angle[note.key], LOADED_TIP_GAP),
            (note.offset - CONFIG.release_delay, GEOMETRY.off_angle[note.key], 0.0),
        ):
            level = key_top_point(GEOMETRY, note.key, y, angle)[2] + skin
            reached = brentq(
                lambda t, note=note, level=level: (
                    heights(strokes, note.finger, np.array([t]))[0] - level
                ),
                moment - 0.03,
                moment + 0.03,
            )
            assert reached == pytest.approx(moment, abs=1e-3)


@pytest.mark.parametrize("velocity", [55, 65, 75, 90, 105])
def test_a_stroke_is_as_fast_at_the_sounding_point_as_the_velocity_asks(velocity):
    """Key speed at the front edge, by finite difference, from the tip's and the lever's lengths."""
    notes = [replace(note, velocity=velocity) for note in single_notes()]
    strokes, _ = strokes_of(notes)
    for note in notes:
        moment = note.onset - CONFIG.delay
        dt = 1e-4
        before, after = heights(strokes, note.finger, np.array([moment - dt, moment + dt]))
        lever = GEOMETRY.hinge_y[note.key] - note_point(note, GEOMETRY, HAND)[1]
        speed = (before - after) / (2 * dt) * GEOMETRY.length[note.key] / lever
        assert speed == pytest.approx(float(velocity_to_key_speed(PIANO, velocity)), rel=0.03)


@pytest.mark.parametrize("velocity", [40, 60, 80, 100])
def test_repeated_notes_and_close_ones_keep_their_speed_and_their_time(velocity):
    """Where there is little time a stroke begins lower or brakes; the key sounds when and as it
    should all the same."""
    pitches = (60, 60, 62, 62, 60)
    notes = [
        Note(1 + 0.3 * i, pitch, 1.22 + 0.3 * i, velocity, Hand.RIGHT, Finger(2))
        for i, pitch in enumerate(pitches)
    ]
    strokes, _ = strokes_of(notes)
    for note in notes:
        moment = note.onset - CONFIG.delay
        dt = 1e-4
        before, now, after = heights(strokes, 2, moment + np.array([-dt, 0, dt]))
        y = note_point(note, GEOMETRY, HAND)[1]
        assert now == pytest.approx(
            key_top_point(GEOMETRY, note.key, y, GEOMETRY.on_angle[note.key])[2] + LOADED_TIP_GAP,
            abs=5e-4,
        )
        lever = GEOMETRY.hinge_y[note.key] - y
        speed = (before - after) / (2 * dt) * GEOMETRY.length[note.key] / lever
        assert speed == pytest.approx(float(velocity_to_key_speed(PIANO, velocity)), rel=0.05)


def test_a_key_played_again_softly_comes_up_far_enough_to_fall_silent_and_no_further_than_it_must():
    notes = [Note(1 + 0.3 * i, 60, 1.22 + 0.3 * i, 40, Hand.RIGHT, Finger(2)) for i in range(4)]
    strokes, _ = strokes_of(notes)
    y = note_point(notes[0], GEOMETRY, HAND)[1]
    at_rest, silent = (
        key_top_point(GEOMETRY, notes[0].key, y, angle)[2] for angle in (0, GEOMETRY.off_angle[39])
    )
    for note, following in pairwise(notes):
        between = heights(
            strokes, 2, np.linspace(note.offset - 0.02, following.onset - CONFIG.delay, 200)
        )
        assert silent + 0.002 < between.max() < at_rest


def test_a_key_s_load_is_that_of_the_compiled_model(scene):
    """Mass at the tip against MuJoCo's own inertia of the key's hinge, by lever."""
    for key, lever in ((39, 0.13), (40, 0.09)):
        inertia = scene.model.dof_M0[scene.keys.dof[key]]
        load = key_load(scene.piano, GEOMETRY, key, lever)
        assert load.mass == pytest.approx(inertia / lever**2, rel=0.02)
        assert load.damping == pytest.approx(
            scene.model.dof_damping[scene.keys.dof[key]] / lever**2
        )


def test_keys_load_fingers_that_move_them_and_no_others():
    notes = single_notes()
    strokes, _ = strokes_of(notes)
    for note in notes:
        sounding = strokes.at(
            np.array([note.onset - CONFIG.delay - 0.002, note.onset + 0.1, note.onset - 0.3])
        )
        mass = sounding.key_mass[:, note.finger - 1]
        assert mass[0] > 0.03
        assert (mass[1:] == 0).all()
        assert (np.delete(sounding.key_mass[0], note.finger - 1) == 0).all()


def test_between_notes_fingers_are_clear_of_the_keys_and_in_them_while_they_sound():
    notes = single_notes()
    strokes, _ = strokes_of(notes)
    times = np.arange(0, 5, 0.005)
    for finger in range(1, 6):
        lowest = heights(strokes, finger, times)
        finger_notes = [note for note in notes if note.finger == finger]
        away = np.all(
            [(times < n.onset - 0.25) | (times > n.offset + 0.25) for n in finger_notes], axis=0
        )
        assert (lowest[away] > 0.002).all()
        for note in finger_notes:
            held = (times > note.onset + 0.05) & (times < note.offset - 0.1)
            stop = key_top_point(
                GEOMETRY, note.key, note_point(note, GEOMETRY, HAND)[1], GEOMETRY.full_angle[note.key]
            )[2]  # fmt: skip
            assert (lowest[held] < stop).all()


def test_a_pressing_finger_stays_with_its_key():
    notes = single_notes()
    strokes, path = strokes_of(notes)
    for note in notes:
        times = np.linspace(note.onset, note.offset - CONFIG.release_delay - 1e-3, 20)
        targets = strokes.at(times)
        tip = targets.tips[:, note.finger - 1, :2] + path.at(times)[0][:, :2]
        assert tip == pytest.approx(np.tile(note_point(note, GEOMETRY, HAND), (20, 1)), abs=1e-9)
        black = GEOMETRY.black[note.key]
        expected = np.tile([1 if black else CONFIG.sideways_weight, 1, 1], (20, 1))
        assert targets.weight[:, note.finger - 1, :2] == pytest.approx(expected[:, :2])
        assert targets.weight[5:, note.finger - 1, 2] == pytest.approx(1.0)
        assert targets.pressing[:, note.finger - 1].all()


def test_height_counts_more_as_long_as_a_finger_strikes():
    (note,) = single_notes(count=1)
    strokes, _ = strokes_of([note])
    bottom = strokes.timelines[note.finger - 1].presses.descent.bottom[0]
    down = strokes.timelines[note.finger - 1].presses.descent.start[0]
    heights = strokes.at(
        np.array([down - 0.001, down + 0.001, bottom - 0.001, bottom + 0.001])
    ).weight[:, :, 2]
    striking = heights[:, note.finger - 1]
    assert striking[1:] == pytest.approx([CONFIG.height_weight, CONFIG.height_weight, 1.0])
    assert striking[0] <= 1.0
    assert (np.delete(heights, note.finger - 1, axis=1) <= 1.0).all()


def test_a_finger_between_black_keys_comes_from_above_them_and_goes_up_out_of_them():
    (note,) = single_notes(count=1)
    key = 57 - 21  # A3, between two black keys
    note = replace(note, pitch=57, finger=Finger(3))
    point = np.array([[GEOMETRY.back_x[key].mean(), 0.08]])
    path, _ = path_of([note])
    strokes = HandStrokes(
        [note], point, Side.RIGHT, path, piano=PIANO, geometry=GEOMETRY, config=CONFIG
    )
    times = np.arange(note.onset - 0.3, note.offset + 0.3, 0.001)
    wrist = strokes.path.at(times)[0]
    tip = strokes.at(times).tips[:, 2] + wrist
    low = tip[:, 2] - TIP_RADIUS[2] < GEOMETRY.top_z.max()
    assert low.any()
    assert tip[low, :2] == pytest.approx(np.tile(point, (low.sum(), 1)), abs=1e-9)
    assert np.abs(np.diff(tip[:, 2])).max() < 0.0015


def test_force_is_asked_for_while_a_key_is_held_and_only_then():
    notes = single_notes(count=1)
    strokes, _ = strokes_of(notes)
    targets = strokes.at(np.array([0.5, 1.2, 2.0]))
    assert not targets.press[[0, 2]].any()
    key = notes[0].key
    y = note_point(notes[0], GEOMETRY, HAND)[1]
    spring = PIANO.stiffness * GEOMETRY.full_angle[key] / (GEOMETRY.hinge_y[key] - y)
    assert targets.press[1, 0] == pytest.approx(spring + CONFIG.press_force, rel=0.01)
    assert not targets.press[1, 1:].any()


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.floats(0.05, 0.6), st.integers(0, 6), st.integers(1, 5)),
        min_size=1,
        max_size=25,
    )
)
def test_targets_are_finite_continuous_and_above_the_keybed(steps):
    """However crowded the notes of a finger are, its target never jumps by more than a fast
    stroke's step."""
    notes = []
    time = 0.5
    for gap, step, finger in steps:
        time += gap
        pitch = (60, 62, 64, 65, 67, 69, 71)[step]
        notes.append(Note(time, pitch, time + 0.9 * gap, 80, Hand.RIGHT, Finger(finger)))
    _, poses = path_of(notes)
    held = plan_releases(notes, poses, Side.RIGHT, CONFIG, ReachConfig())
    path = plan_wrist(held, poses, Side.RIGHT, end=time + 2)
    strokes = HandStrokes(
        held, points_of(held), Side.RIGHT, path, piano=PIANO, geometry=GEOMETRY, config=CONFIG
    )
    times = np.arange(0, time + 1, 0.008)
    targets = strokes.at(times)
    assert np.isfinite(targets.tips).all()
    assert (targets.press >= 0).all()
    lowest = targets.tips[:, :, 2] + strokes.path.at(times)[0][:, 2:] - TIP_RADIUS
    assert lowest.min() > -PIANO.white_travel - 2 * CONFIG.overtravel
    assert lowest.max() < 0.1


def test_one_block_of_times_is_like_many():
    strokes, _ = strokes_of(single_notes())
    times = np.arange(0.5, 3, 0.01)
    block = strokes.at(times)
    parts = [strokes.at(part) for part in np.array_split(times, 7)]
    for name in ("tips", "weight", "pressing", "press"):
        assert np.array_equal(
            np.concatenate([getattr(part, name) for part in parts]), getattr(block, name)
        )


def one_stroke(note, path, corrections):
    """The strokes of one note."""
    return HandStrokes(
        [note],
        points_of([note]),
        Side.RIGHT,
        path,
        piano=PIANO,
        geometry=GEOMETRY,
        config=CONFIG,
        corrections=corrections,
    )


def corrected(note, correction):
    """The press of one note with a correction, and without."""
    path, _ = path_of([note])
    changed = Corrections({(note.onset, note.pitch): correction})
    plain, moved = (
        one_stroke(note, path, corrections).timelines[note.finger - 1].presses
        for corrections in (None, changed)
    )
    return plain, moved


@pytest.mark.parametrize("pitch", [60, 61])
def test_practice_moves_a_press_along_and_across_its_key_exactly(pitch):
    note = Note(1.0, pitch, 1.4, 80, Hand.RIGHT, Finger.INDEX)
    plain, moved = corrected(note, Correction(sideways=0.003, inwards=-0.002))
    np.testing.assert_allclose(moved.point - plain.point, [[0.003, -0.002]], atol=1e-12)
    assert moved.sideways_weight == [1.0]


def test_practice_presses_deeper_at_the_same_time_with_the_same_load():
    note = Note(1.0, 60, 1.4, 80, Hand.RIGHT, Finger.INDEX)
    plain, moved = corrected(note, Correction(depth=0.0015))
    np.testing.assert_allclose(plain.descent.low - moved.descent.low, 0.0015, atol=1e-12)
    np.testing.assert_allclose(moved.dip, plain.dip, atol=1e-12)
    np.testing.assert_array_equal(moved.descent.onset, plain.descent.onset)
    np.testing.assert_array_equal(moved.descent.speed, plain.descent.speed)


def test_only_what_sounded_too_loud_is_played_softer_than_at_first_sight():
    def speed(velocity, correction):
        note = Note(1.0, 60, 1.4, velocity, Hand.RIGHT, Finger.INDEX)
        return corrected(note, Correction(velocity=correction))[1].descent.speed[0]

    lever = 1.0 / speed(CONFIG.softest, 0.0) * velocity_to_key_speed(PIANO, CONFIG.softest)
    for velocity, correction, expected in (
        (20, 0.0, CONFIG.softest),
        (10, 10.0, CONFIG.softest),
        (20, 30.0, 50.0),
        (20, -5.0, CONFIG.softest - 5.0),
        (60, -10.0, 50.0),
        (20, -30.0, CONFIG.softest_learnt),
        (120, 30.0, 127.0),
    ):
        planned = speed(velocity, correction) * lever
        assert planned == pytest.approx(float(velocity_to_key_speed(PIANO, expected)))


def test_practice_raises_an_idle_finger_and_leaves_the_playing_one():
    note = Note(1.0, 60, 1.4, 80, Hand.RIGHT, Finger.INDEX)
    path, _ = path_of([note])
    lifts = tuple(
        IdleLift(Side.RIGHT, finger, 0.9, 1.2, 0.008) for finger in (Finger.INDEX, Finger.RING)
    )
    elsewhere = IdleLift(Side.LEFT, Finger.MIDDLE, 0.9, 1.2, 0.008)
    plain, raised = (
        one_stroke(note, path, corrections).at(np.linspace(0.0, 2.0, 2001))
        for corrections in (None, Corrections(lifts=(*lifts, elsewhere)))
    )
    height = raised.tips[:, :, 2] - plain.tips[:, :, 2]
    assert height[:, 3].max() == pytest.approx(0.008)
    assert height[1050, 3] == pytest.approx(0.008)
    assert not height[:, [0, 2, 4]].any()
    assert not height[plain.pressing[:, 1], 1].any()
    np.testing.assert_array_equal(raised.tips[:, :, :2], plain.tips[:, :, :2])
    assert raised.weight[1050, 3, 2] > 4 * plain.weight[1050, 3, 2]
    np.testing.assert_array_equal(raised.weight[:, :, :2], plain.weight[:, :, :2])
