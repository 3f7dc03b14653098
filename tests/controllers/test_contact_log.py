"""The log of contacts against MuJoCo's own list, by the names of its bodies."""

from itertools import pairwise

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.overlay import SKIN_CONTACT_MARGIN
from musclehand.controllers.contact_log import ContactLog
from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.run import Run
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Hand
from musclehand.planning.plan import plan_performance

FINGER_OF = {"firstmc": 1, "proximal_thumb": 1, "distal_thumb": 1} | {
    name.format(number): number
    for name in ("{}proxph", "midph{}", "distph{}")
    for number in range(2, 6)
}
"""Fingers by their bodies."""


class Watch:
    """A log, and beside it the time, touching parts and fingertips of every control step."""

    def __init__(self, plan, player):
        self.log = ContactLog(player.scene, plan.planned, lead_in=plan.lead_in)
        self.scene = player.scene
        self.lead_in = plan.lead_in
        self.steps = []

    def note(self, data):
        self.log.note(data)
        model = self.scene.model
        touching = {}
        for contact in data.contact:
            names = [model.body(model.geom_bodyid[geom]).name for geom in contact.geom]
            parts = sorted((part_of(name) for name in names), key=str)
            if None not in parts and parts[0] != parts[1]:
                pair = frozenset(parts)
                touching[pair] = min(float(contact.dist), touching.get(pair, np.inf))
        tips = {side: data.site_xpos[hand.tips].copy() for side, hand in self.scene.hands.items()}
        self.steps.append((data.time - self.lead_in, touching, tips))


def part_of(body):
    """A key's index, or side and number of a finger; None for palms and everything else."""
    if body.startswith("key/"):
        return int(body[4:7])
    base, _, suffix = body.rpartition("_")
    return (Side(suffix), FINGER_OF[base]) if base in FINGER_OF else None


@pytest.fixture(scope="module")
def runs():
    """A plan, what it played with a log and without, and the watch."""
    plan = plan_performance(load_piece("clementi_sonatina").clip(0, 1.5))
    player = MuscleController(plan)
    watch = Watch(plan, player)
    logged = Run(player, end=plan.end, contacts=watch).play()
    alone = Run(MuscleController(plan, scene=player.scene), end=plan.end).play()
    return plan, logged, alone, watch


def test_every_touch_is_logged_from_its_first_control_step_to_its_last(runs):
    plan, _, _, watch = runs
    contacts = watch.log.contacts()
    logged = [(frozenset((touch.digit, touch.key)), touch) for touch in contacts.keys]
    logged += [(frozenset(touch.digits), touch) for touch in contacts.digits]
    assert len(contacts.keys) >= len(plan.planned)
    for time, touching, _ in watch.steps:
        now = [pair for pair, touch in logged if touch.start - 1e-6 <= time <= touch.end + 1e-6]
        assert len(now) == len(set(now))
        assert set(now) == touching.keys()
    step = plan.control_dt
    for first, second in pairwise(touch for pair, touch in logged if pair == logged[0][0]):
        assert second.start > first.end + 1.5 * step


def test_contacts_begin_at_the_margin_of_the_skin(runs):
    """Of two digits both have a skin, and their margins add up."""
    watch = runs[-1]
    key_distances, digit_distances = [], [0.0]
    for _, touching, _ in watch.steps:
        for pair, distance in touching.items():
            with_key = any(isinstance(part, int) for part in pair)
            (key_distances if with_key else digit_distances).append(distance)
    assert 0.5 * SKIN_CONTACT_MARGIN < max(key_distances) <= SKIN_CONTACT_MARGIN + 1e-9
    assert max(digit_distances) <= 2 * SKIN_CONTACT_MARGIN + 1e-9


def test_pressing_fingers_are_found_on_their_keys_with_the_key_below(runs):
    plan, played, _, watch = runs
    contacts = watch.log.contacts()
    keys = {note.pitch for note in played.notes}
    for note in plan.planned.notes:
        if note.pitch not in keys:
            continue
        side = Side.RIGHT if note.hand is Hand.RIGHT else Side.LEFT
        (touch, *_) = [
            touch
            for touch in contacts.keys
            if touch.key == note.key and touch.start - 0.1 <= note.onset <= touch.end
        ]
        assert touch.digit == (side, note.finger)
        assert touch.normal[2] > 0.7
        assert np.linalg.norm(touch.normal) == pytest.approx(1.0)


def test_fingertips_are_noted_at_the_onsets(runs):
    plan, _, _, watch = runs
    tips = watch.log.contacts().tips
    assert tips.keys() == {(note.onset, note.pitch) for note in plan.planned.notes}
    times = np.array([time for time, _, _ in watch.steps])
    for note in plan.planned.notes:
        side = Side.RIGHT if note.hand is Hand.RIGHT else Side.LEFT
        first = int(np.argmax(times >= note.onset - 1e-9))
        tip = watch.steps[first][2][side][note.finger - 1]
        np.testing.assert_array_equal(tips[note.onset, note.pitch], tip)


def test_a_log_changes_nothing(runs):
    _, logged, alone, _ = runs
    assert logged == alone
