"""What a tracking policy observes: proprioception, tracking errors, and the reference ahead.

Two partitions of an observation matter to latent action spaces (`learning.vae`), each a mask. The
`decoder_mask` chooses what the decoder and the prior get: proprioception and the set points of the
forearm's base, which servos move whatever the muscles do. The encoder gets all numbers. The
`proprioception_mask` leaves out those set points. At the piano its numbers are known to the
high-level policy as they are; all others, the *references*, it predicts for the encoder
(`learning.high_level`).
"""

from __future__ import annotations

import numpy as np

from musclehand.body.anatomy import DIGITS, FOREARM_AXES, HAND_JOINTS
from musclehand.body.hand_index import HandIndex
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.body import Proprioception

TIPS = 3 * len(DIGITS)
"""Coordinates of all fingertips."""


def tracking_table(
    hand: HandIndex, look_ahead: tuple[int, ...], *, action_history: int = 0
) -> ObservationTable:
    """The table of a tracking policy's observation.

    Scales are about the difference between one moment of playing and another.

    Args:
        hand: with its muscles and independent joints.
        look_ahead: steps ahead, 2 or more, at which the reference is observed beside the next one.
        action_history: number of last excitations that are observed.
    """
    return sized_tracking_table(
        len(HAND_JOINTS),
        hand.expand.shape[1],
        len(hand.muscles),
        look_ahead,
        action_history=action_history,
    )


def sized_tracking_table(
    joints: int, independent: int, muscles: int, look_ahead: tuple[int, ...], *, action_history: int
) -> ObservationTable:
    """The table of a tracking policy's observation, by the numbers of parts of its hand.

    Args:
        joints: number of joints.
        independent: number of joints that do not follow another one.
        muscles: number of muscles.
        look_ahead: as in `tracking_table`.
        action_history: as in `tracking_table`.
    """
    return ObservationTable(
        [
            *_state_blocks(joints, muscles),
            *_tracking_blocks(independent, look_ahead),
            *_forearm_blocks(),
            *(
                Block(f"excitation_{ago}", muscles, "", 0.2, f"excitations {ago} steps ago")
                for ago in range(1, action_history + 1)
            ),
            Block("press", len(DIGITS), "N", 2.0, "next force of each finger on its key"),
            Block("load", len(DIGITS), "kg", 0.02, "next mass of the key that each finger moves"),
            Block("delay", 1, "s", 0.02, "sensory delay"),
        ]
    )


def _state_blocks(joints: int, muscles: int) -> list[Block]:
    return [
        Block("angle", joints, "rad", 0.5, "joint angles"),
        Block("speed", joints, "rad/s", 5.0, "joint velocities"),
        Block("activation", muscles, "", 0.2, "muscle activations"),
        Block("length", muscles, "l0", 0.5, "fibre lengths minus 1"),
        Block("velocity", muscles, "vmax", 0.2, "fibre velocities, lengthening positive"),
        Block("force", muscles, "f0", 0.2, "tendon forces"),
    ]


def _tracking_blocks(free: int, look_ahead: tuple[int, ...]) -> list[Block]:
    """Blocks of the reference, next one and ahead, for `free` independent joints."""
    return [
        Block(
            "tip", TIPS, "m", 0.05, "fingertips minus the next reference of the middle finger; xyz"
        ),
        Block("tip_error", TIPS, "m", 0.01, "next reference minus fingertips; xyz of each"),
        Block("angle_error", free, "rad", 0.1, "next reference minus joint angles"),
        Block("speed_error", free, "rad/s", 3.0, "next reference minus joint velocities"),
        Block("speed_reference", free, "rad/s", 5.0, "next reference of the joint velocities"),
        *(
            Block(
                f"ahead_{steps}",
                free,
                "rad",
                0.3,
                f"joint angles of the reference in {steps} steps minus the next ones",
            )
            for steps in look_ahead
        ),
    ]


def _forearm_blocks() -> list[Block]:
    axes = len(FOREARM_AXES)
    return [
        Block("forearm", 3, "rad", 0.3, "yaw, pitch and roll of the forearm's base"),
        Block("forearm_error", axes, "m, rad", 0.01, "next reference minus the forearm's base"),
        Block("forearm_speed", axes, "m/s, rad/s", 0.5, "next reference of its velocity"),
        Block("forearm_acceleration", axes, "m/s^2, rad/s^2", 5.0, "and of its acceleration"),
    ]


_PROPRIOCEPTION = (
    *("angle", "speed", "activation", "length", "velocity", "force"),
    *("delay", "forearm"),
)
"""Names of blocks of proprioception, beside the last excitations."""

_EXCITATION = "excitation_"
"""Prefix of the names of blocks of the last excitations."""

_FOREARM_SET_POINT = "forearm_"
"""Prefix of the names of blocks of the forearm's set points."""


def proprioception_mask(table: ObservationTable) -> np.ndarray:
    """Which numbers of an observation are proprioception, sensory delay and last excitations
    included. Shape (table.size,), bool."""
    return table.mask(lambda name: name in _PROPRIOCEPTION or name.startswith(_EXCITATION))


def decoder_mask(table: ObservationTable) -> np.ndarray:
    """Which numbers of an observation the decoder of a latent action space gets: proprioception,
    and the set points of the forearm's base. Shape (table.size,), bool."""
    return proprioception_mask(table) | table.mask(lambda name: name.startswith(_FOREARM_SET_POINT))


def observe(
    table: ObservationTable,
    references: ReferenceSet,
    frame: np.ndarray,
    *,
    proprioception: Proprioception,
    hand: HandIndex,
    look_ahead: tuple[int, ...],
    history: np.ndarray,
    delay: np.ndarray,
) -> np.ndarray:
    """Observations of n hands.

    Args:
        table: from `tracking_table`.
        references: reference motion.
        frame: current frame of each hand. Shape (n,).
        proprioception: with sensory delay and noise.
        hand: with its independent joints.
        look_ahead: steps ahead, 2 or more, at which the reference is observed beside the next one.
        history: last excitations, the latest first. Shape (action_history, n, m).
        delay: sensory delay [s]. Shape (n,).

    Returns:
        4-byte floats. Shape (n, table.size).
    """
    goal = references.ahead(frame, 1)
    free = hand.independent
    angles = references.angles[goal][:, free]
    speeds = references.speeds[goal][:, free]
    tips = references.tips[goal]
    values = {
        "angle": proprioception.angles,
        "speed": proprioception.speeds,
        "activation": proprioception.activation,
        "length": proprioception.length - 1.0,
        "velocity": proprioception.velocity,
        "force": proprioception.force,
        "tip": proprioception.tips - tips[:, 2:3],
        "tip_error": tips - proprioception.tips,
        "angle_error": angles - proprioception.angles[:, free],
        "speed_error": speeds - proprioception.speeds[:, free],
        "speed_reference": speeds,
        "forearm": proprioception.forearm[:, 3:],
        "forearm_error": references.forearm[goal] - proprioception.forearm,
        "forearm_speed": references.forearm_speed[goal],
        "forearm_acceleration": references.forearm_acceleration[goal],
        "press": references.key_force[goal],
        "load": references.key_mass[goal],
        "delay": delay,
    }
    for steps in look_ahead:
        later = references.angles[references.ahead(frame, steps)][:, free]
        values[f"ahead_{steps}"] = later - angles
    for ago, excitation in enumerate(history, start=1):
        values[f"excitation_{ago}"] = excitation
    return table.write(values, np.empty((len(frame), table.size), dtype=np.float32))


def proprioception_gradient(
    table: ObservationTable, observation_gradient: np.ndarray, hand: HandIndex
) -> Proprioception:
    """Vector-Jacobian product of `observe`: gradient with respect to proprioception.

    Args:
        table: from `tracking_table`.
        observation_gradient: gradient with respect to observations. Shape (n, table.size).
        hand: with its independent joints.
    """

    def of(name: str) -> np.ndarray:
        return table.gradient(observation_gradient, name).astype(float)

    angles = of("angle")
    speeds = of("speed")
    angles[:, hand.independent] -= of("angle_error")
    speeds[:, hand.independent] -= of("speed_error")
    forearm = -of("forearm_error")
    forearm[:, 3:] += of("forearm")
    return Proprioception(
        angles=angles,
        speeds=speeds,
        activation=of("activation"),
        length=of("length"),
        velocity=of("velocity"),
        force=of("force"),
        tips=(of("tip") - of("tip_error")).reshape(len(angles), -1, 3),
        forearm=forearm,
    )


def history_gradient(
    table: ObservationTable, observation_gradient: np.ndarray, action_history: int
) -> np.ndarray:
    """Vector-Jacobian product of `observe`: gradient with respect to the last excitations, the
    latest first. Shape (action_history, n, m).

    Args:
        table: from `tracking_table`.
        observation_gradient: gradient with respect to observations. Shape (n, table.size).
        action_history: number of last excitations.
    """
    return np.array(
        [
            table.gradient(observation_gradient, f"excitation_{ago}")
            for ago in range(1, action_history + 1)
        ]
    )
