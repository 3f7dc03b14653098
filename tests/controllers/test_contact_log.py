"""The log of contacts against MuJoCo's own list, by the names of its geometries."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.overlay import SKIN_CONTACT_MARGIN
from musclehand.body.naming import own_naming
from musclehand.controllers.contact_log import ContactLog
from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.run import Run
from musclehand.music.repertoire import load_piece
from musclehand.planning.plan import plan_performance

OF_BODY = {
    "proximal_thumb": 1,
    "distal_thumb": 1,
    **{f"{part}{number}": number for part in ("proxph", "midph", "distph") for number in range(2, 6)},
}
"""Fingers by their bodies."""


class WatchedRun(Run):
    """A run whose contacts are also written down by name."""


@pytest.fixture(scope="module")
def run():
    """A short piece, its log, and in every control step the time, named contacts and tips."""
    plan = plan_performance(load_piece("clementi_sonatina").clip(0, 1.5))
    player = MuscleController(plan)
    log = ContactLog(player.scene, plan.planned, lead_in=plan.lead_in)
    steps = []
    model = player.scene.model

    class Watching:
        def note(self, data):
            log.note(data)
            named = []
            for contact in data.contact:
                names = tuple(model.body(model.geom_bodyid[geom]).name for geom in contact.geom)
                named.append((names, float(contact.dist), contact.frame[:3].copy()))
            tips = {
                side: data.site_xpos[hand.tips].copy() for side, hand in player.scene.hands.items()
            }
            steps.append((data.time - plan.lead_in, named, tips))

    played = Run(player, end=plan.end, contacts=Watching()).play()
    return plan, played, log.contacts(), steps


def finger_of(body):
    """Side and number of the finger that a body belongs to; None for palms and keys."""
    base, _, suffix = body.rpartition("_")
    return (Side(suffix), OF_BODY[base]) if base in OF_BODY else None
