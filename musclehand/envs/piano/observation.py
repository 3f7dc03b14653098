"""What a high-level policy observes of one hand: its own state, its notes, and the other hand.

Two tables matter here. The *tracking table* (`envs.tracking.observation`) is that of the encoder
and decoder of the latent action space; the *piano table* is that of the high-level policy.
"""

from __future__ import annotations

import numpy as np

from musclehand.body.anatomy import DIGITS, FOREARM_AXES
from musclehand.body.hand_index import HandIndex
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.piano.body import ForearmPath
from musclehand.envs.piano.goals import Goals, goal_blocks
from musclehand.envs.piano.pieces import LatentSpaceLike
from musclehand.envs.reference import POINT_MIRROR, ReferenceSet, still_references
from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.observation import observe, decoder_mask, tracking_table
from musclehand.music.pitch import NUM_KEYS

STRIKE_WINDOW = 0.1
"""[s] A key that is struck within this time of a note's onset is taken to be struck for it."""


def piano_table(tracking: ObservationTable) -> ObservationTable:
    """The table of a high-level policy's observation: the hand's own state as in the tracking
    table, then what a piano adds."""
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
    """Which numbers of the tracking table are reference numbers, which the high-level network
    predicts: everything but proprioception. How the forearm will move is among them. Shape
    (tracking.size,), bool."""
    return ~_sensed(tracking)


def _sensed(tracking: ObservationTable) -> np.ndarray:
    """Which numbers of the tracking table are proprioception at the piano."""
    names = (*_MUSCLES, "angle", "speed", "forearm")
    return tracking.mask(lambda name: name in names or name.startswith("excitation_"))


def proprioception_mask(tracking: ObservationTable) -> np.ndarray:
    """Which numbers of the piano table are that proprioception, which the encoder gets unchanged.
    Shape (size of `piano_table`,), bool."""
    mask = _sensed(tracking)
    names = {block.name for block in tracking.blocks if mask[tracking.slice(block.name)].all()}
    return piano_table(tracking).mask(lambda name: name in names)


def input_mask(tracking: ObservationTable) -> np.ndarray:
    """Which numbers of the piano table the high-level network gets: everything that a reference
    motion depends on, so not the muscles, nor the set points of a forearm that moves on. Shape
    (size of `piano_table`,), bool."""
    return piano_table(tracking).mask(
        lambda name: name not in _MUSCLES and not name.startswith(("excitation_", "forearm"))
    )


def state_to_reference(tracking: ObservationTable, hand: HandIndex) -> np.ndarray:
    """Linear map from the piano table to the part of the reference numbers that follows from the
    hand's current state.

    What remains for the network to predict is then independent of that state: joint angles and
    velocities in place of their errors, and fingertips from the forearm's base in place of their
    errors.

    Args:
        tracking: the tracking table.
        hand: tells which joints are independent.

    Returns:
        Shape (reference numbers, size of `piano_table`), rows in the order of the tracking table.
    """
    table = piano_table(tracking)
    matrix = np.zeros((tracking.size, table.size))

    def add(output: str, row: int, source: str, column: int, factor: float) -> None:
        place = tracking.slice(output).start + row, table.slice(source).start + column
        matrix[place] += factor * table.scale(source) / tracking.scale(output)

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
    """Observations by the tracking table, of n hands whose forearms move along paths."""

    table: ObservationTable
    """The tracking table."""

    def __init__(
        self, latent_space: LatentSpaceLike, hand: HandIndex, hands: int, muscles: int
    ) -> None:
        """
        Args:
            latent_space: whose encoder and decoder observe.
            hand: tells which joints are independent.
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
        path: ForearmPath,
        history: np.ndarray,
        references: ReferenceSet | None = None,
    ) -> np.ndarray:
        """Observations for encoder and decoder. Shape (n, table.size).

        Args:
            proprioception: of the hands.
            path: of their forearms at the end of the step.
            history: last excitations, the latest first; it may be longer than needed. Shape (k, n,
                m).
            references: a clip for each hand, of which the first frame is the current one; without
                it, only the forearm has a reference.
        """
        if references is None:
            references = self._still
            references.forearm[:, :3] = path.place
            references.forearm_speed[:, :3] = path.speed
            references.forearm_acceleration[:, :3] = path.acceleration
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
        self._state_mask = decoder_mask(tracking)
        self._piano_table = ObservationTable(_piano_blocks())

    def observe(
        self,
        tracking_observation: np.ndarray,
        proprioception: Proprioception,
        path: ForearmPath,
        hand: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        """Observations of n hands, left ones first.

        Args:
            tracking_observation: by the tracking table, of which the state is taken. Shape (n,
                size of the tracking table).
            proprioception: of the hands.
            path: current one of their forearms.
            hand: number of each row's notes in `goals.hands`. Shape (n,).
            time: current time [s]. Shape (n,).

        Returns:
            4-byte floats. Shape (n, table.size).
        """
        count = len(tracking_observation)
        # Seen from a hand that is mirrored to a right one, the other hand is a left one.
        mirror = np.tile(POINT_MIRROR, 2)
        other_forearm = np.roll(np.hstack([path.place, path.speed]), count // 2, axis=0) * mirror
        other_forearm[:, :3] -= path.place
        tips = proprioception.tips
        values = {
            "height": tips[:, :, 1:],
            "carried": path.speed,
            "hand": (tips - path.place[:, None])[:, :, :2],
            "wrist": path.place[:, 1:],
            **self.goals.encode(hand, time, tips, path.place),
            "other": other_forearm,
        }
        out = np.empty((count, self._piano_table.size), dtype=np.float32)
        piano = self._piano_table.write(values, out)
        return np.hstack([tracking_observation[:, self._state_mask], piano])

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
