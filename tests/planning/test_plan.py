"""A plan is a value: it depends on its arguments alone, comes back from a file, and is not changed
by its use."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.build.scaling import HAND_LENGTH, scale_tables
from musclehand.core.errors import FileError, InvalidValue, OutputError
from musclehand.music.generate.exercises import random_score
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Finger, Hand, Note, Score, keyboard_score
from musclehand.piano.geometry import key_top_point, keyboard_geometry
from musclehand.planning.plan import PlanConfig, model_sha256, plan_fingered, plan_performance
from musclehand.planning.plan_file import load_plan
from musclehand.planning.strokes.corrections import Correction, Corrections, IdleLift

STEPS = 60


@pytest.fixture(scope="module")
def clip():
    return load_piece("clementi_sonatina").clip(0, 1.0)


@pytest.fixture(scope="module")
def plan(clip):
    return plan_performance(clip)


@pytest.fixture(scope="module")
def scaled_hand(tables):
    return scale_tables(tables, hand_length=0.95 * HAND_LENGTH)


def steps_of(plan, count=STEPS):
    """The first steps of the motion: by step, hand and field, as bytes."""
    motion = plan.motion()
    return [
        [[np.asarray(field).tobytes() for field in hand] for hand in motion.at(step)]
        for step in range(count)
    ]


def generated(seed):
    return random_score(np.random.default_rng(seed), num_notes=6, seconds=1.0)


def test_the_same_arguments_give_the_same_plan(clip, plan):
    again = plan_performance(clip)
    assert again == plan
    assert again.as_dict() == plan.as_dict()
    assert steps_of(again) == steps_of(plan)


def test_a_plan_has_a_finger_and_an_end_for_every_note(clip, plan):
    assert plan.target == keyboard_score(clip)
    assert len(plan.planned) == len(plan.score) == len(plan.target)
    for written, planned in zip(plan.score.notes, plan.planned.notes, strict=True):
        assert planned.finger is not None
        assert (planned.hand, planned.finger) == (written.hand, written.finger)
        assert planned.onset == pytest.approx(written.onset, abs=1e-9)
        assert planned.offset <= written.offset + 1e-9
    assert plan.control_dt == pytest.approx(0.004)
    assert plan.end == plan.lead_in + plan.score.duration + plan.tail


def test_metrics_are_those_of_the_planned_notes(plan):
    assert plan.metrics == score_performance(plan.target, plan.planned)
    assert plan.metrics.missed == plan.metrics.extra == 0


def test_the_motion_begins_anew_each_time_with_the_same_bits(plan):
    first = steps_of(plan)
    assert steps_of(plan) == first
    assert plan.motion() is not plan.motion()


def test_hands_are_those_of_the_sides_in_their_order(clip):
    right = plan_performance(clip, sides=(Side.RIGHT,))
    assert [*right.motion().hands] == [Side.RIGHT]
    assert {note.hand for note in right.planned.notes} == {Hand.RIGHT}
    assert right.metrics.missed > 0
    turned = plan_performance(clip, sides=(Side.LEFT, Side.RIGHT))
    assert [*turned.motion().hands] == [Side.LEFT, Side.RIGHT]


def test_corrections_make_another_plan_and_leave_the_first(clip, plan):
    before = plan.as_dict()
    steps = steps_of(plan)
    note = plan.score.notes[0]
    notes = {(note.onset, note.pitch): Correction(strike=0.03, sideways=0.002)}
    corrections = Corrections(notes)
    corrected = plan.with_corrections(corrections)
    assert corrected.corrections == corrections
    assert corrected.score == plan.score
    assert steps_of(corrected, 270) != steps_of(plan, 270)
    notes.clear()
    assert corrected.corrections
    assert plan.as_dict() == before
    assert steps_of(plan) == steps
    assert corrected == plan_performance(clip, corrections=corrected.corrections)
    assert corrected.with_corrections(Corrections()) == plan


def test_a_raised_idle_finger_makes_another_plan(clip, plan):
    note = plan.planned.notes[0]
    side = Side.RIGHT if note.hand is Hand.RIGHT else Side.LEFT
    idle = Finger(5 if note.finger <= 3 else 1)
    lift = IdleLift(side, idle, note.onset - 0.3, note.onset + 0.1, 0.008)
    raised = plan.with_corrections(Corrections(lifts=(lift,)))
    before, after = steps_of(plan, 270), steps_of(raised, 270)
    assert after != before
    assert plan.with_corrections(raised.corrections) == raised


def test_a_pedal_makes_another_plan_and_leaves_the_first():
    """A bass written through under chords that the hand has to leave it for."""
    notes = [Note(0.0, 36, 1.95, 80, Hand.LEFT)]
    notes += [Note(at, pitch, at + 0.4, 70, Hand.LEFT) for at in (0.6, 1.2) for pitch in (60, 64)]
    plan = plan_performance(keyboard_score(Score(tuple(notes))))
    before = plan.as_dict()
    steps = steps_of(plan)
    pedalled = plan.with_auto_pedal()
    assert pedalled.score.pedals == pedalled.planned.pedals != ()
    assert "held over with the pedal" in pedalled.score.remarks[-1]
    assert pedalled.planned.notes == plan.planned.notes
    assert steps_of(pedalled) == steps
    assert plan.as_dict() == before
    assert steps_of(plan) == steps


def test_notes_without_fingers_are_left_out_of_fingered_plans(clip, plan):
    fewer = plan.score.with_notes(
        [replace(plan.score.notes[0], finger=None), *plan.score.notes[1:]]
    )
    missing = plan_fingered(plan.target, fewer)
    assert len(missing.planned) == len(plan.planned) - 1
    assert missing.metrics.missed == 1


def test_an_empty_score_has_a_plan():
    plan = plan_performance(Score(()))
    assert plan.planned.notes == ()
    assert len(plan.motion().at(0)) == 2


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.booleans())
def test_a_plan_comes_back_from_its_file(tmp_path_factory, seed, corrected):
    score = generated(seed)
    corrections = Corrections(
        {
            (note.onset, note.pitch): Correction(0.01, -0.02, 5.0, 0.002, -0.001, 0.0015)
            for note in keyboard_score(score).notes[::2]
        },
        (IdleLift(Side.LEFT, Finger.RING, 0.25, 0.5, 0.008),),
    )
    plan = plan_performance(score, corrections=corrections if corrected else None)
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    assert plan.save(path) == path
    again = load_plan(path)
    assert again == plan
    assert again.as_dict() == plan.as_dict()
    assert again.metrics == plan.metrics
    assert steps_of(again, 40) == steps_of(plan, 40)


def test_other_constants_come_back_too(clip, tmp_path):
    default = PlanConfig()
    motion = replace(default.motion, stroke=replace(default.motion.stroke, hover=0.012))
    fingering = replace(default.fingering, roll_chords=True)
    config = PlanConfig(sim_steps=4, fingering=fingering, motion=motion)
    plan = plan_performance(
        clip, config=config, sides=(Side.LEFT,), lead_in=0.8, tail=0.4, sim_dt=0.001
    )
    plan.save(tmp_path / "plan.json")
    again = load_plan(tmp_path / "plan.json")
    assert again == plan
    assert again.config == config
    assert steps_of(again) == steps_of(plan)


def test_a_plan_for_other_hands_needs_them_to_be_read(clip, scaled_hand, tmp_path):
    plan = plan_performance(clip, design=scaled_hand)
    path = plan.save(tmp_path / "plan.json")
    with pytest.raises(FileError, match=r"plan\.json.*other hands"):
        load_plan(path)
    again = load_plan(path, design=scaled_hand)
    assert again == plan
    assert steps_of(again) == steps_of(plan)
    with pytest.raises(FileError, match="other hands"):
        load_plan(plan_performance(clip).save(tmp_path / "own.json"), design=scaled_hand)


def test_hands_are_identified_by_their_compiled_model(plan, scaled_hand):
    compiled = hand_spec(Side.RIGHT).compile()
    assert plan.hand_sha256 == model_sha256(compiled)
    assert plan.hand_sha256 != model_sha256(hand_spec(Side.RIGHT, design=scaled_hand).compile())


def test_arguments_out_of_range_are_refused(clip):
    with pytest.raises(InvalidValue, match="sides"):
        plan_performance(clip, sides=())
    for name in ("lead_in", "tail"):
        for value in (-0.1, 61.0, float("nan")):
            with pytest.raises(InvalidValue, match=name):
                plan_performance(clip, **{name: value})
    for value in (0.0, 0.02, float("nan")):
        with pytest.raises(InvalidValue, match="sim_dt"):
            plan_performance(clip, sim_dt=value)
    for value in (0, 101):
        with pytest.raises(InvalidValue, match="sim_steps"):
            PlanConfig(sim_steps=value)


def test_a_plan_that_cannot_be_written_is_an_error(plan, tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        plan.save(tmp_path / "nowhere" / "plan.json")
    assert not [*tmp_path.iterdir()]


def test_a_picture_of_an_unknown_format_is_one_error(tmp_path):
    plan = plan_performance(load_piece("ode_to_joy").clip(0, 1))
    with pytest.raises(OutputError, match="not supported"):
        plan.draw(tmp_path / "plan.nonsense")
    assert not list(tmp_path.iterdir())


def test_a_plan_is_made_for_the_size_of_the_hand(tables):
    """A tenth in one hand: given to both by the bundled hands, played by large ones; pressing
    fingertips of any size are a radius above the key's stop, less what they press beyond it."""
    tenth = Score((Note(0.2, 60, 0.9, 80, Hand.RIGHT), Note(0.2, 76, 0.9, 80, Hand.RIGHT)))
    large = scale_tables(tables, hand_length=0.21, hand_breadth=0.0924)
    plans = {
        size: plan_performance(tenth, design=design)
        for size, design in (("bundled", None), ("large", large))
    }
    assert {note.hand for note in plans["bundled"].score.notes} == set(Hand)
    assert {note.hand for note in plans["large"].score.notes} == {Hand.RIGHT}
    for plan in plans.values():
        motion = next(iter(plan.motion().hands.values()))
        note = motion.notes[0]
        line = motion.strokes.timelines[note.finger - 1]
        radius = motion.ik.playing.tip_radius[note.finger - 1]
        geometry = keyboard_geometry(plan.piano)
        y = float(line.presses.point[0][1])
        stop = key_top_point(geometry, note.key, y, geometry.full_angle[note.key])[2]
        low = float(line.presses.descent.low[0])
        assert low == pytest.approx(stop + radius - plan.config.motion.stroke.overtravel)
