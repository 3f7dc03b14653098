"""What a high-level policy observes of one hand: its own state, its notes, and the other hand.

Two tables matter here. The *tracking table* (`envs.tracking.observation`, where its two masks are
explained) is that of the encoder and decoder of the latent action space; the *piano table* is that
of the high-level policy. A third mask, `input_mask`, chooses its numbers that the network gets.
"""

from __future__ import annotations

import numpy as np

from musclehand.body.anatomy import DIGITS, FOREARM_AXES
from musclehand.body.hand_index import HandIndex
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.piano.body import ForearmState
from musclehand.envs.piano.goals import Goals, goal_blocks
from musclehand.envs.piano.pieces import LatentSpaceLike
from musclehand.envs.reference import POINT_MIRROR, ReferenceSet, still_references
from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.observation import decoder_mask, observe, tracking_table
from musclehand.envs.tracking.observation import (
    proprioception_mask as tracking_proprioception_mask,
)
from musclehand.music.pitch import NUM_KEYS

STRIKE_WINDOW = 0.1
"""[s] A key that is struck within this time of a note's onset is taken to be struck for it."""


def piano_table(tracking: ObservationTable) -> ObservationTable:
    """The table of a high-level policy's observation: the blocks that the decoder gets, as in the
    tracking table, then those that the piano adds."""
    mask = decoder_mask(tracking)
    state = [block for block in tracking.blocks if mask[tracking.slice(block.name)].all()]
    return ObservationTable([*state, *_piano_blocks()])


def _piano_blocks() -> list[Block]:
    fingers = 2 * len(DIGITS)
    return [
        Block("height", fingers, "m", 0.03, "fingertips along and above the keys; y, z of each"),
        Block("hand", fingers, "m", 0.03, "fingertips minus forearm's base; x, y of each"),
        Block("wrist", 2, "m", 0.03, "forearm's base along and above the keys; y, z"),
        Block("carried", 3, "m/s", 0.3, "velocity of the forearm's base"),
        *goal_blocks(),
        Block("other", 6, "m, m/s", 0.3, "other forearm's base minus this one, and its velocity"),
    ]


_MUSCLES = ("activation", "length", "velocity", "force", "delay")
"""Blocks of the tracking table about muscles."""


def reference_mask(tracking: ObservationTable) -> np.ndarray:
    """Which numbers of the tracking table are references, which the high-level network predicts:
    all but proprioception. The set points of the forearm are among them. Shape (tracking.size,),
    bool."""
    return ~tracking_proprioception_mask(tracking)


def proprioception_mask(tracking: ObservationTable) -> np.ndarray:
    """Which numbers of the piano table are proprioception, which the encoder gets unchanged. Shape
    (size of `piano_table`,), bool."""
    mask = tracking_proprioception_mask(tracking)
    names = {block.name for block in tracking.blocks if mask[tracking.slice(block.name)].all()}
    return piano_table(tracking).mask(lambda name: name in names)


def input_mask(tracking: ObservationTable) -> np.ndarray:
    """Which numbers of the piano table the high-level network gets: those that a reference motion
    depends on, so neither muscles nor the set points of the forearm's current move. Shape (size of
    `piano_table`,), bool."""
    return piano_table(tracking).mask(
        lambda name: name not in _MUSCLES and not name.startswith(("excitation_", "forearm"))
    )


def state_to_reference(tracking: ObservationTable, hand: HandIndex) -> np.ndarray:
    """Matrix of the split `references = targets + state_to_reference @ observation`
    (`learning.high_level`), by the piano table.

    The targets, which the network predicts, are then independent of the hand's state: joint angles
    and velocities in place of their errors, and fingertips from the forearm's base in place of
    their errors.

    Args:
        tracking: the tracking table.
        hand: with its independent joints.

    Returns:
        Shape (references, size of `piano_table`), rows in the order of the tracking table.
    """
    table = piano_table(tracking)
    matrix = np.zeros((tracking.size, table.size))

    def add(output: str, row: int, source: str, column: int, factor: float) -> None:
        entry = tracking.slice(output).start + row, table.slice(source).start + column
        matrix[entry] += factor * table.scale(source) / tracking.scale(output)

    for number, joint in enumerate(hand.independent):
        add("angle_error", number, "angle", joint, -1.0)
        add("speed_error", number, "speed", joint, -1.0)
    for finger in range(len(DIGITS)):
        y_or_z = 2 * finger + 1
        # A fingertip from the forearm's base: x and y are in the table, z is a difference.
        tip_from_base = [
            ("hand", 2 * finger, 0, 1.0),
            ("hand", y_or_z, 1, 1.0),
            ("height", y_or_z, 2, 1.0),
            ("wrist", 1, 2, -1.0),
        ]
        for source, column, axis, factor in tip_from_base:
            add("tip_error", 3 * finger + axis, source, column, -factor)
            add("tip", 3 * finger + axis, source, column, factor)
    for axis in range(len(FOREARM_AXES)):
        add("forearm_error", axis, "forearm_error", axis, 1.0)
    return np.asarray(matrix[reference_mask(tracking)])


class TrackingObserver:
    """Observations by the tracking table, of n hands with moving forearms."""

    table: ObservationTable
    """The tracking table."""

    def __init__(
        self, latent_space: LatentSpaceLike, hand: HandIndex, hands: int, muscles: int
    ) -> None:
        """
        Args:
            latent_space: whose encoder and decoder observe.
            hand: with its independent joints.
            hands: number of hands, n.
            muscles: number of muscles of a hand.
        """
        config = latent_space.config
        self._config = config
        self._hand = hand
        self.table = tracking_table(hand, config.look_ahead, action_history=config.action_history)
        self._still = still_references(hands, dt=config.sim_steps * SIM_DT, muscles=muscles)

    def observe(
        self,
        proprioception: Proprioception,
        forearm_state: ForearmState,
        history: np.ndarray,
        references: ReferenceSet | None = None,
    ) -> np.ndarray:
        """Observations for encoder and decoder. Shape (n, table.size).

        Args:
            proprioception: of the hands.
            forearm_state: planned state of their forearms at the end of the step.
            history: last excitations, the latest first; it may be longer than needed. Shape (k, n,
                m).
            references: a clip for each hand, of which the first frame is the current one; without
                it, only the forearm has a reference.
        """
        if references is None:
            references = self._still
            references.forearm[:, :3] = forearm_state.position
            references.forearm_speed[:, :3] = forearm_state.velocity
            references.forearm_acceleration[:, :3] = forearm_state.acceleration
        config = self._config
        return observe(
            self.table,
            references,
            references.first,
            proprioception=proprioception,
            hand=self._hand,
            look_ahead=config.look_ahead,
            history=history[: config.action_history],
            delay=np.zeros(len(proprioception.angles)),
        )


class PianoObserver:
    """Observations by the piano table, of hands that play notes."""

    table: ObservationTable
    """The piano table."""

    goals: Goals
    """Notes of all hands."""

    def __init__(self, tracking: ObservationTable, goals: Goals) -> None:
        """
        Args:
            tracking: the tracking table.
            goals: notes of all hands.
        """
        self.table = piano_table(tracking)
        self.goals = goals
        self._decoder_mask = decoder_mask(tracking)
        self._piano_table = ObservationTable(_piano_blocks())

    def observe(
        self,
        tracking_observation: np.ndarray,
        proprioception: Proprioception,
        forearm_state: ForearmState,
        hand: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        """Observations of n hands, left ones first.

        Args:
            tracking_observation: by the tracking table, of which the decoder's part is taken.
                Shape (n, size of the tracking table).
            proprioception: of the hands.
            forearm_state: current one of their forearms.
            hand: number of each row's notes in `goals.hands`. Shape (n,).
            time: current time [s]. Shape (n,).

        Returns:
            4-byte floats. Shape (n, table.size).
        """
        count = len(tracking_observation)
        # In the frame of a hand that is mirrored to a right one, the other hand is a left one.
        mirror = np.tile(POINT_MIRROR, 2)
        motion = np.hstack([forearm_state.position, forearm_state.velocity])
        other_forearm = np.roll(motion, count // 2, axis=0) * mirror
        other_forearm[:, :3] -= forearm_state.position
        tips = proprioception.tips
        values = {
            "height": tips[:, :, 1:],
            "carried": forearm_state.velocity,
            "hand": (tips - forearm_state.position[:, None])[:, :, :2],
            "wrist": forearm_state.position[:, 1:],
            **self.goals.encode(hand, time, tips, forearm_state.position),
            "other": other_forearm,
        }
        out = np.empty((count, self._piano_table.size), dtype=np.float32)
        piano = self._piano_table.write(values, out)
        return np.hstack([tracking_observation[:, self._decoder_mask], piano])

    def target_keys(self, hand: np.ndarray, time: np.ndarray, worlds: int) -> np.ndarray:
        """Which keys should be down, by both hands of each world. Shape (worlds, 88), bool.

        Args:
            hand: number of each row's notes in `goals.hands`. Shape (n,).
            time: current time [s]. Shape (n,).
            worlds: number of worlds.
        """
        target = np.zeros((worlds, NUM_KEYS), dtype=bool)
        for row, (number, current) in enumerate(zip(hand, time, strict=True)):
            notes = self.goals.hands[number]
            held = (notes.onset <= current) & (current < notes.offset)
            target[row % worlds, notes.key[held]] = True
        return target

    def target_velocity(self, hand: np.ndarray, time: np.ndarray, worlds: int) -> np.ndarray:
        """MIDI velocities of keys that should be struck about now, by both hands of each world; 0
        of others. Shape (worlds, 88).

        Args:
            hand: number of each row's notes in `goals.hands`. Shape (n,).
            time: current time [s]. Shape (n,).
            worlds: number of worlds.
        """
        target = np.zeros((worlds, NUM_KEYS), dtype=int)
        for row, (number, current) in enumerate(zip(hand, time, strict=True)):
            notes = self.goals.hands[number]
            near = np.abs(notes.onset - current) < STRIKE_WINDOW
            target[row % worlds, notes.key[near]] = notes.velocity[near]
        return target
