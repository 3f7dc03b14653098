"""What a planner sees of one hand: the hand's own state, its notes, and the other hand."""

from __future__ import annotations

import numpy as np

from musclehand.body.anatomy import DIGITS
from musclehand.body.hand_index import HandIndex
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.piano.body import ForearmPath
from musclehand.envs.piano.goals import Goals, goal_blocks
from musclehand.envs.piano.pieces import LatentSpaceLike
from musclehand.envs.reference import ReferenceSet, still_references
from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.observation import observe, own_state, tracking_table
from musclehand.music.pitch import NUM_KEYS


def piano_table(skill: ObservationTable) -> ObservationTable:
    """The observation's blocks. `skill`: the table of the decoder, of which the hand's own state
    is taken."""
    state = own_state(skill)
    own = [block for block in skill.blocks if state[skill.slice(block.name)].all()]
    return ObservationTable([*own, *_told_blocks()])


def _told_blocks() -> list[Block]:
    """What a planner sees beside the hand's own state."""
    return [
        Block(
            "height",
            2 * len(DIGITS),
            "m",
            0.03,
            "fingertips along and above the keys, y and z of each",
        ),
        Block("hand", 2 * len(DIGITS), "m", 0.03, "fingertips from the wrist, x and y of each"),
        Block("wrist", 2, "m", 0.03, "along and above the keys, y and z"),
        Block("carried", 3, "m/s", 0.3, "speed of the forearm"),
        *goal_blocks(),
        Block("other", 6, "m, m/s", 0.3, "the other forearm from this one, and its speed"),
    ]


_MUSCLES = ("activation", "length", "velocity", "force", "delay")


def felt(skill: ObservationTable) -> np.ndarray:
    """Which numbers of the encoder's observation are felt, the rest being what it is shown. Shape
    (skill.size,), bool.

    How the forearm is going to move is shown.
    """
    return skill.where(
        lambda name: (
            name in (*_MUSCLES, "angle", "speed", "forearm") or name.startswith("excitation_")
        )
    )


def proprioception_of_high_level(skill: ObservationTable) -> np.ndarray:
    """Which numbers of a planner's observation are those. Shape (size of `piano_table`,), bool."""
    table = piano_table(skill)
    names = {block.name for block in skill.blocks if felt(skill)[skill.slice(block.name)].all()}
    return table.where(lambda name: name in names)


def looked_at(skill: ObservationTable) -> np.ndarray:
    """Which numbers of a planner's observation tell what motion is to be wanted: all but those
    of muscles, and of where a forearm is that goes on as it does. Shape (size of
    `piano_table`,), bool."""
    return piano_table(skill).where(
        lambda name: name not in _MUSCLES and not name.startswith(("excitation_", "forearm"))
    )


def from_the_hand(skill: ObservationTable, hand: HandIndex) -> np.ndarray:
    """What of the numbers shown to an encoder follows from how the hand is at the moment, by a
    planner's observation.

    The rest is what is wanted, wherever the hand is: joint angles and speeds in place of what is
    missing to them, and where fingertips should be from the wrist in place of how far that is.
    Shape (numbers shown, size of `piano_table`); those are in the order of `skill`.
    """
    table = piano_table(skill)
    all_shown = np.zeros((skill.size, table.size))

    def add(to: str, number: int, name: str, which: int, factor: float) -> None:
        row = skill.slice(to).start + number
        column = table.slice(name).start + which
        all_shown[row, column] += factor * table.scale(name) / skill.scale(to)

    for number, joint in enumerate(hand.independent):
        add("angle_error", number, "angle", joint, -1.0)
        add("speed_error", number, "speed", joint, -1.0)
    for finger in range(len(DIGITS)):
        across = 2 * finger
        along = 2 * finger + 1
        above = 2 * finger + 1
        # A fingertip from the wrist: x and y are told, z is a difference of two heights.
        from_wrist = [
            ("hand", across, 0, 1.0),
            ("hand", along, 1, 1.0),
            ("height", above, 2, 1.0),
            ("wrist", 1, 2, -1.0),
        ]
        for name, which, axis, factor in from_wrist:
            add("tip_error", 3 * finger + axis, name, which, -factor)
            add("tip", 3 * finger + axis, name, which, factor)
    for axis in range(6):
        add("forearm_error", axis, "forearm_error", axis, 1.0)
    return np.asarray(all_shown[~felt(skill)])


class TrackingObserver:
    """What a decoder sees of n hands that are carried along paths: their own state, and nothing
    of a reference."""

    def __init__(self, skill: LatentSpaceLike, hand: HandIndex, hands: int, muscles: int) -> None:
        """`hand`: which joints are free."""
        self._config = skill.config
        self._hand = hand
        self.table = tracking_table(hand, skill.config.look_ahead, past=skill.config.past)
        self._carried = still_references(hands, dt=skill.config.sim_steps * SIM_DT, muscles=muscles)

    def observe(
        self,
        senses: Proprioception,
        path: ForearmPath,
        past: np.ndarray,
        references: ReferenceSet | None = None,
    ) -> np.ndarray:
        """What `learning.vae` calls an observation. Shape (n, table.size).

        Args:
            senses: what hands feel.
            path: where their forearms should be after this step.
            past: the last excitations. Shape (k, n, m).
            references: what they should do, from its clips' first frames on; by default nothing is
                told of that.
        """
        if references is None:
            references = self._carried
            told = references.forearm, references.forearm_speed, references.forearm_acceleration
            for values, part in zip(told, path, strict=True):
                values[:, :3] = part
        config = self._config
        delay = np.zeros(len(senses.angles))
        where = references.first
        past = past[: config.past]
        return observe(
            self.table, references, where, senses, self._hand, config.look_ahead, past, delay
        )


ABOUT_NOW = 0.1
"""A key that is struck so long before or after it should be is taken to be the note's [s]."""


class PianoObserver:
    """Makes observations of hands that play `goals`."""

    def __init__(self, skill: ObservationTable, goals: Goals) -> None:
        """`skill`: the table of the decoder."""
        self.table = piano_table(skill)
        self.goals = goals
        self._state = own_state(skill)
        self._told = ObservationTable(_told_blocks())

    def observe(
        self,
        own: np.ndarray,
        senses: Proprioception,
        arms: ForearmPath,
        hand: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        """Observations of n hands, left ones first.

        Args:
            own: what the decoder sees, of which the hands' own states are taken. Shape (n,
                numbers).
            senses: what they feel.
            arms: where forearms are.
            hand: which of the goals' each plays. Shape (n,).
            time: of now [s]. Shape (n,).

        Returns:
            4-byte floats. Shape (n, table.size).
        """
        half = len(own) // 2
        # Seen as from a right hand, the other one is a left hand's mirror image.
        other = np.roll(np.hstack([arms.place, arms.speed]), half, axis=0) * np.array(
            [-1.0, 1.0, 1.0] * 2
        )
        other[:, :3] -= arms.place
        values = {
            "height": senses.tips[:, :, 1:],
            "carried": arms.speed,
            "hand": (senses.tips - arms.place[:, None])[:, :, :2],
            "wrist": arms.place[:, 1:],
            **self.goals.at(hand, time, senses.tips, arms.place),
            "other": other,
        }
        told = self._told.write(values, np.empty((len(own), self._told.size), dtype=np.float32))
        return np.hstack([own[:, self._state], told])

    def wanted_keys(self, hand: np.ndarray, time: np.ndarray, worlds: int) -> np.ndarray:
        """Which keys should be down, by both hands of each world. Shape (worlds, 88), bool."""
        wanted = np.zeros((worlds, NUM_KEYS), dtype=bool)
        for row, (one, now) in enumerate(zip(hand, time, strict=True)):
            notes = self.goals.hands[one]
            wanted[row % worlds, notes.key[(notes.onset <= now) & (now < notes.offset)]] = True
        return wanted

    def wanted_velocity(self, hand: np.ndarray, time: np.ndarray, worlds: int) -> np.ndarray:
        """How hard keys should be struck that should be struck about now, by both hands of each
        world; 0 of others. Shape (worlds, 88)."""
        wanted = np.zeros((worlds, NUM_KEYS), dtype=int)
        for row, (one, now) in enumerate(zip(hand, time, strict=True)):
            notes = self.goals.hands[one]
            soon = np.abs(notes.onset - now) < ABOUT_NOW
            wanted[row % worlds, notes.key[soon]] = notes.velocity[soon]
        return wanted
