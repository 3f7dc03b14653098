"""The key sensor against trajectories whose crossings are known in closed form, and the velocity
map."""

import time as clock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.piano.keys import KeySensor, key_speed_to_velocity, velocity_to_key_speed

PARAMS = load_piano_parameters()
GEOMETRY = keyboard_geometry(PARAMS)


def play(sensor, angle_of_time, *, dt=0.002, end=1.0, keys=(39,), pedal=lambda t: 0.0):
    """Feed the sensor a motion of some keys, sampled at steps; speeds by central difference."""
    angles = np.zeros(88)
    speeds = np.zeros(88)
    for t in np.arange(0.0, end, dt):
        angles[list(keys)] = angle_of_time(t)
        speeds[list(keys)] = (angle_of_time(t + 1e-6) - angle_of_time(t - 1e-6)) / 2e-6
        sensor.update(float(t), angles, speeds, pedal(t))
    return sensor.finish(end)


def test_velocity_map_is_the_published_one_and_both_ways():
    # Goebl & Bresin: 57.96 at a hammer speed of 1 m/s, 71.3 more at 10 m/s; a hammer flies 5 times
    # as fast as the key
    assert key_speed_to_velocity(PARAMS, 0.2) == 58
    assert key_speed_to_velocity(PARAMS, 0.2 * 10**0.5) == 94
    # Askenfelt & Jansson's mezzo forte, 0.3 to 0.5 m/s at the key, is a middling velocity
    assert 65 <= key_speed_to_velocity(PARAMS, 0.3) < key_speed_to_velocity(PARAMS, 0.5) <= 90
    velocity = np.arange(1, 128)
    speed = velocity_to_key_speed(PARAMS, velocity)
    assert np.all(np.diff(speed) > 0)
    np.testing.assert_array_equal(key_speed_to_velocity(PARAMS, speed), velocity)
    np.testing.assert_array_equal(
        key_speed_to_velocity(PARAMS, [0.0, -1.0, 1e-5, 100.0]), [1, 1, 1, 127]
    )


@given(st.floats(0.04, 1.8))
def test_velocity_map_loses_at_most_its_rounding(speed):
    back = velocity_to_key_speed(PARAMS, key_speed_to_velocity(PARAMS, speed))
    assert abs(np.log10(back / speed)) <= 0.5 / PARAMS.midi_per_decade + 1e-12


@settings(max_examples=60, deadline=None)
@given(
    onset=st.floats(0.1, 0.4),
    length=st.floats(0.03, 0.5),
    speed=st.floats(0.3, 3.0),
    dt=st.sampled_from([0.001, 0.002, 0.004]),
    key=st.integers(0, 87),
)
def test_ramps_are_timed_between_the_steps(onset, length, speed, dt, key):
    on = GEOMETRY.on_angle[key]
    silent_angle = GEOMETRY.off_angle[key]
    sensor = KeySensor(PARAMS)
    angles = np.zeros(88)
    speeds = np.zeros(88)
    for t in np.arange(0.0, 1.0, dt):
        down = on + speed * min(t - onset, dt)  # straight until a step after its crossing
        up = silent_angle - 1.0 * (t - onset - length)
        angles[key], speeds[key] = max(0.0, min(down, up)), speed
        sensor.update(float(t), angles, speeds)
    (note,) = sensor.finish(1.0).notes
    assert note.pitch == key + 21
    assert note.onset == pytest.approx(onset, abs=2e-9)
    assert note.offset == pytest.approx(onset + length, abs=2e-9)
    assert note.velocity == key_speed_to_velocity(PARAMS, speed * GEOMETRY.length[key])


def test_a_smooth_stroke_is_timed_and_its_speed_read_to_second_order():
    on = GEOMETRY.on_angle[39]
    omega = 2 * np.pi / 0.3
    depth = 0.065

    def angle(t):
        return 0.5 * depth * (1 - np.cos(omega * t))

    onset = np.arccos(1 - 2 * on / depth) / omega
    speed = 0.5 * depth * omega * np.sin(omega * onset) * 0.15
    errors = []
    for dt in (0.004, 0.002, 0.001):
        note = play(KeySensor(PARAMS), angle, dt=dt, end=0.29).notes[0]
        errors.append(abs(note.onset - onset))
        assert abs(note.velocity - (57.96 + 71.3 * np.log10(5 * speed))) <= 1
    assert errors[0] < 3e-4
    assert errors[1] < 1e-4
    assert errors[2] < 3e-5


def test_hysteresis_keeps_a_trembling_key_sounding():
    on = GEOMETRY.on_angle[39]
    silent_angle = GEOMETRY.off_angle[39]

    def trembling(size):
        return lambda t: 0.0 if t < 0.1 else on + size * (on - silent_angle) * np.sin(300 * t)

    assert len(play(KeySensor(PARAMS), trembling(0.9))) == 1
    assert len(play(KeySensor(PARAMS), trembling(1.2))) > 20


def test_repeats_need_to_pass_the_release_angle():
    on = GEOMETRY.on_angle[39]
    silent_angle = GEOMETRY.off_angle[39]
    top = on + 0.003
    for low, expected in ((silent_angle - 0.002, 5), (silent_angle + 0.002, 1)):

        def waves(t, low=low):
            return (
                0.0
                if t < 0.05
                else 0.5 * (top + low) - 0.5 * (top - low) * np.cos(2 * np.pi * (t - 0.05) / 0.19)
            )

        assert len(play(KeySensor(PARAMS), waves)) == expected


def test_several_keys_in_one_step_and_what_still_sounds_is_ended():
    sensor = KeySensor(PARAMS)
    score = play(sensor, lambda t: 0.08 if t > 0.3001 else 0.0, keys=(0, 40, 86), end=0.5)
    assert sorted(n.pitch for n in score.notes) == [21, 61, 107]
    assert all(note.offset == 0.5 for note in score.notes)
    assert sensor.notes == ()
    assert sensor.down.sum() == 3
    assert sensor.finish(0.5) == score


def test_pedal_spans():
    score = play(
        KeySensor(PARAMS),
        lambda t: 0.0,
        pedal=lambda t: 0.1 < t < 0.3 or (t > 0.61 and 0.7),
        end=1.0,
        dt=0.01,
    )
    assert len(score.pedals) == 2
    assert score.pedals[0].start == pytest.approx(0.11, abs=0.011)
    assert score.pedals[0].end == pytest.approx(0.3, abs=0.011)
    assert score.pedals[1].start == pytest.approx(0.62, abs=0.011)
    assert score.pedals[1].end == 1.0


def test_time_counts_from_start_and_what_was_before_is_cut():
    score = play(
        KeySensor(PARAMS, start=0.5),
        lambda t: 0.07 * ((0.1 < t < 0.2) or (0.4 < t < 0.6) or (t > 0.7)),
    )
    assert [n.onset for n in score.notes] == pytest.approx([0.0, 0.2], abs=0.003)
    assert [n.offset for n in score.notes] == pytest.approx([0.1, 0.5], abs=0.003)


def test_a_key_that_is_down_at_the_start_is_silent_until_let_go():
    score = play(KeySensor(PARAMS), lambda t: 0.07 * (t < 0.2 or t > 0.4))
    assert len(score) == 1
    assert score.notes[0].onset == pytest.approx(0.4, abs=0.003)


def test_bad_input_is_named():
    sensor = KeySensor(PARAMS)
    angles = np.zeros(88)
    sensor.update(0.0, angles, angles)
    with pytest.raises(InvalidValue, match="time"):
        sensor.update(0.0, angles, angles)
    angles[5] = np.inf
    with pytest.raises(InvalidValue, match="key 5"):
        sensor.update(0.1, angles, angles)
    with pytest.raises(InvalidValue, match="time"):
        sensor.finish(-1.0)


def test_the_arrays_are_not_kept():
    sensor = KeySensor(PARAMS)
    angles = np.zeros(88)
    speeds = np.ones(88)
    sensor.update(0.0, angles, speeds)
    angles[:] = 0.08
    sensor.update(0.002, angles, speeds)
    angles[:] = 0.0
    sensor.update(0.004, angles, speeds)
    assert len(sensor.notes) == 88


def test_an_uneventful_step_is_cheap():
    sensor = KeySensor(PARAMS)
    angles = np.zeros(88)
    speeds = np.zeros(88)
    best = np.inf
    for block in range(5):
        begin = clock.perf_counter()
        for i in range(2_000):
            sensor.update(block + i * 1e-4, angles, speeds)
        best = min(best, (clock.perf_counter() - begin) / 2_000)
    assert best < 20e-6  # 4 us on an idle core
