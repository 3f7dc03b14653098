"""The motion of a performance in memory: a clip of each hand, on the clock of the score."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from musclehand.body.anatomy import NUM_TIPS, Side
from musclehand.controllers.controller import Controller
from musclehand.controllers.run import RowSink
from musclehand.motion.clip import MotionClip
from musclehand.motion.person import START
from musclehand.music.score import Hand, Score

KEPT_STEP = 0.02
"""[s] Time between frames that are kept; chosen, the rate of films."""

_HANDS = {Side.RIGHT: Hand.RIGHT, Side.LEFT: Hand.LEFT}


class MotionKeeper:
    """Takes the rows of a run, keeps the hands' positions, and passes the rows on."""

    def __init__(self, controller: Controller) -> None:
        """
        Args:
            controller: that plays.
        """
        scene = controller.scene
        control_dt = controller.sim_steps * scene.model.opt.timestep
        self._scene = scene
        self._writer: RowSink | None = None
        self._stride = max(1, round(KEPT_STEP / control_dt))
        self._dt = self._stride * control_dt
        self._count = 0
        self._start = 0.0
        self._rows: list[np.ndarray] = []
        self._places = np.concatenate(
            [
                np.concatenate([hand.qpos, scene.forearms[side].qpos])
                for side, hand in scene.hands.items()
            ]
        ).astype(int)

    def before(self, writer: RowSink) -> MotionKeeper:
        """This keeper, which passes every row on to a writer, such as a recording."""
        self._writer = writer
        return self

    def append(self, **row: np.ndarray | float) -> None:
        """A control step, as `controllers.run.Run.play` gives it."""
        if self._count == 0:
            self._start = float(row["time"])
        if self._count % self._stride == 0:
            self._rows.append(np.asarray(row["qpos"])[self._places].astype("f4"))
        self._count += 1
        if self._writer is not None:
            self._writer.append(**row)

    def clips(self, score: Score) -> Mapping[Side, MotionClip]:
        """Clips of all hands.

        Args:
            score: that was played, with hands and fingers.
        """
        values = np.array(self._rows, dtype=float).reshape(-1, len(self._places))
        tips = self._tips(values)
        clips = {}
        column = 0
        for side, hand in self._scene.hands.items():
            joints = values[:, column : column + len(hand.qpos)]
            column += len(hand.qpos)
            arm_axes = len(self._scene.forearms[side].qpos)
            forearm = values[:, column : column + arm_axes]
            column += arm_axes
            speed = np.gradient(joints, self._dt, axis=0) if len(joints) > 1 else 0.0 * joints
            clips[side] = MotionClip(
                name=side.name.lower(),
                kind="played",
                pattern="played",
                side=side,
                dt=self._dt,
                qpos=joints,
                qvel=speed,
                forearm=forearm,
                fingertips=tips[side],
                notes=_notes(score, side, self._start),
                source={START: repr(self._start)},
            )
        return clips

    def _tips(self, values: np.ndarray) -> dict[Side, np.ndarray]:
        """Fingertips in the world [m]. Shape (T, 5, 3) for each hand."""
        scene = self._scene
        data = mujoco.MjData(scene.model)
        tips = {side: np.empty((len(values), NUM_TIPS, 3)) for side in scene.hands}
        for row, positions in enumerate(values):
            data.qpos[self._places] = positions
            mujoco.mj_kinematics(scene.model, data)
            for side, hand in scene.hands.items():
                tips[side][row] = data.site_xpos[hand.tips]
        return tips


def _notes(score: Score, side: Side, start: float) -> np.ndarray:
    """One hand's notes in the columns of clips, with times from the first frame. Shape (n, 5)."""
    rows = [
        (note.onset - start, note.offset - start, note.pitch, note.velocity, int(note.finger or 0))
        for note in score.notes
        if note.hand is _HANDS[side]
    ]
    return np.array(rows, dtype=float).reshape(-1, 5)
