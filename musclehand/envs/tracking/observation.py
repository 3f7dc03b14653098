"""What a policy that follows a reference sees: its own hand, how far it is off, and what comes
next."""

from __future__ import annotations

import numpy as np

from musclehand.body.anatomy import DIGITS, FOREARM_AXES, HAND_JOINTS
from musclehand.body.hand_index import HandIndex
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.body import Proprioception

TIPS = 3 * len(DIGITS)


def tracking_table(
    hand: HandIndex, look_ahead: tuple[int, ...], *, past: int = 0
) -> ObservationTable:
    """The observation's blocks. Scales are about what differs between one moment of playing and
    another."""
    joints = len(HAND_JOINTS)
    free = hand.expand.shape[1]
    arm = len(FOREARM_AXES)
    muscles = len(hand.muscles)
    blocks = [
        Block("angle", joints, "rad", 0.5, "joint angles"),
        Block("speed", joints, "rad/s", 5.0, "joint speeds"),
        Block("activation", muscles, "", 0.2, "of the muscles"),
        Block("length", muscles, "l0", 0.5, "fibre lengths, from 1 on"),
        Block("velocity", muscles, "vmax", 0.2, "fibre speeds, lengthening positive"),
        Block("force", muscles, "f0", 0.2, "tendon forces"),
        Block(
            "tip",
            TIPS,
            "m",
            0.05,
            "fingertips from the middle finger's wanted place, x, y, z of each",
        ),
        Block(
            "tip_error",
            TIPS,
            "m",
            0.01,
            "from the fingertips to where they should be after this step",
        ),
        Block(
            "angle_error",
            free,
            "rad",
            0.1,
            "from the joints to where they should be after this step",
        ),
        Block("speed_error", free, "rad/s", 3.0, "the same of their speeds"),
        Block("speed_wanted", free, "rad/s", 5.0, "joint speeds wanted after this step"),
        *(
            Block(
                f"ahead_{steps}",
                free,
                "rad",
                0.3,
                f"from the angles wanted after this step to those {steps} on",
            )
            for steps in look_ahead
        ),
        Block("forearm", 3, "rad", 0.3, "yaw, pitch and roll of the forearm"),
        Block(
            "forearm_error",
            arm,
            "m, rad",
            0.01,
            "from the forearm to where it should be after this step",
        ),
        Block("forearm_speed", arm, "m/s, rad/s", 0.5, "wanted after this step"),
        Block("forearm_push", arm, "m/s^2, rad/s^2", 5.0, "acceleration wanted after this step"),
    ]
    blocks += [
        Block(f"excitation_{ago}", muscles, "", 0.2, f"{ago} steps ago")
        for ago in range(1, past + 1)
    ]
    blocks += [
        Block(
            "press", len(DIGITS), "N", 2.0, "force that each finger owes to its key after this step"
        ),
        Block("load", len(DIGITS), "kg", 0.02, "mass of the key that each finger moves by then"),
        Block("delay", 1, "s", 0.02, "how late the senses are"),
    ]
    return ObservationTable(blocks)


_OWN = ("angle", "speed", "activation", "length", "velocity", "force", "delay", "forearm")


def own_state(table: ObservationTable) -> np.ndarray:
    """Which numbers of an observation tell of the hand and of how it is carried, the rest being
    what is wanted of it. Shape (table.size,), bool."""
    return table.where(lambda name: name in _OWN or name.startswith(("forearm_", "excitation_")))


def observe(
    table: ObservationTable,
    references: ReferenceSet,
    frame: np.ndarray,
    senses: Proprioception,
    hand: HandIndex,
    look_ahead: tuple[int, ...],
    past: np.ndarray,
    delay: np.ndarray,
) -> np.ndarray:
    """Observations of n hands.

    Args:
        table: of `tracking_table`.
        references: what is followed.
        frame: where each of them is in it. Shape (n,).
        senses: what they feel.
        hand: which joints are free.
        look_ahead: steps.
        past: the last excitations, the very last one first. Shape (k, n, m).
        delay: of what they feel [s]. Shape (n,).

    Returns:
        4-byte floats. Shape (n, table.size).
    """
    goal = references.ahead(frame, 1)
    free = hand.independent
    wanted = references.angles[goal][:, free]
    rates = references.speeds[goal][:, free]
    tips = senses.tips
    places = references.tips[goal]
    values = {
        "angle": senses.angles,
        "speed": senses.speeds,
        "activation": senses.activation,
        "length": senses.length - 1.0,
        "velocity": senses.velocity,
        "force": senses.force,
        "tip": tips - places[:, 2:3],
        "tip_error": places - tips,
        "angle_error": wanted - senses.angles[:, free],
        "speed_error": rates - senses.speeds[:, free],
        "speed_wanted": rates,
        "forearm": senses.forearm[:, 3:],
        "forearm_error": references.forearm[goal] - senses.forearm,
        "forearm_speed": references.forearm_speed[goal],
        "forearm_push": references.forearm_acceleration[goal],
        "press": references.press[goal],
        "load": references.key_mass[goal],
        "delay": delay,
    }
    for steps in look_ahead:
        values[f"ahead_{steps}"] = (
            references.angles[references.ahead(frame, steps)][:, free] - wanted
        )
    for ago, excitation in enumerate(past, start=1):
        values[f"excitation_{ago}"] = excitation
    return table.write(values, np.empty((len(frame), table.size), dtype=np.float32))


def observe_back(
    table: ObservationTable, observation_gradient: np.ndarray, hand: HandIndex
) -> Proprioception:
    """How something changes with each of the senses, told how it changes with observations: the
    adjoint of `observe`.

    Args:
        table: of `tracking_table`.
        by_observation: shape (n, table.size).
        hand: which joints are free.
    """

    def by(name: str) -> np.ndarray:
        return table.slope(observation_gradient, name).astype(float)

    angles = by("angle")
    speeds = by("speed")
    angles[:, hand.independent] -= by("angle_error")
    speeds[:, hand.independent] -= by("speed_error")
    forearm = -by("forearm_error")
    forearm[:, 3:] += by("forearm")
    return Proprioception(
        angles=angles,
        speeds=speeds,
        activation=by("activation"),
        length=by("length"),
        velocity=by("velocity"),
        force=by("force"),
        tips=(by("tip") - by("tip_error")).reshape(len(angles), -1, 3),
        forearm=forearm,
    )


def past_back(table: ObservationTable, observation_gradient: np.ndarray, past: int) -> np.ndarray:
    """The same of the last excitations, the very last one first. Shape (past, n, m)."""
    return np.array(
        [table.slope(observation_gradient, f"excitation_{ago}") for ago in range(1, past + 1)]
    )
