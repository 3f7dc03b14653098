"""The lengths of a hand that playing depends on, and its place over five neighbouring white keys.

Keys have one size, hands do not. What a keyboard decides stays as it is for every hand: fingertips
a white key apart, in front of the black keys. What anatomy decides follows the hand: the distance
of the wrist behind the fingertips, the arc that these form, their radius, and how far the hand
opens. Sizes are factors against the bundled hand, measured in a compiled model, so that hands of
any tables and files have them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import NUM_TIPS
from musclehand.body.contact_geometry import half_axis
from musclehand.body.hand_index import HandIndex

BUNDLED_LENGTH = 0.17141
"""[m] Length of the bundled hand from the wrist along the bones of the middle finger to the site at
its tip, as `measure_hand` takes it; a test holds it."""

BUNDLED_BREADTH = 0.04168
"""[m] Distance across the bundled hand of the knuckles of index and little finger, likewise."""

TIP_RADIUS = np.array([6.0, 5.2, 5.2, 5.2, 4.8]) * 1e-3
"""[m] Radius of the bundled hand's five fingertips, as in `models/hand/segments.csv`; a test holds
them equal."""

TIP_X = np.array([-0.055, -0.0315, -0.008, 0.0155, 0.039])
"""[m] x of the five fingertips relative to the wrist in a five-finger position, right hand: 23.5 mm
apart, as white keys are."""

PRESS_Y = np.array([0.012, 0.049, 0.050, 0.049, 0.035])
"""[m] y at which each finger of the bundled hand presses a white key, behind its front edge: an arc
of fingertips before the black keys, which begin at 60 mm."""

LEAST_PRESS_Y = 0.010
"""[m] Least such y for any hand: room for a fingertip and for errors of its place; chosen."""

WRIST_DEPTH = -0.093
"""[m] y of the bundled hand's wrist at rest, in front of the keys by the length of the curved hand.
Solved with its posture by `experiments/fit_playing_posture.py`, like its height; a test holds
both."""

WRIST_HEIGHT = 0.033
"""[m] Height of its wrist joint at rest over the tops of the white keys."""

LOWEST_WRIST = 0.015
"""[m] Lowest height of its wrist joint over the tops of the white keys: the heel of the hand is
below it."""

REST_HOVER = 0.012
"""[m] Height of a waiting fingertip's lowest point over the white keys, for which the playing
posture is solved: `planning.strokes.strike.StrokeConfig.rest_hover`."""

_WITHIN = 0.005
"""[m] A capsule whose axis ends this close to a fingertip's site is the skin about it; chosen."""


class HandSize(NamedTuple):
    """Size of a hand as factors on the bundled hand's."""

    length: float = 1.0
    """Factor on lengths along the hand."""

    breadth: float = 1.0
    """Factor on lengths across the hand and on its thickness."""

    @property
    def span(self) -> float:
        """Factor on distances to which fingers spread: the mean of both, because a spread finger
        reaches along the hand as well as across it."""
        return 0.5 * (self.length + self.breadth)


@dataclass(frozen=True, eq=False)
class PlayingHand:
    """Lengths of a right hand at the keys; by default those of the bundled one."""

    size: HandSize = field(default_factory=HandSize)
    """Against the bundled hand."""

    tip_radius: np.ndarray = field(default_factory=TIP_RADIUS.copy)
    """[m] Radius of the five fingertips about their sites, thumb first. Shape (5,)."""

    wrist_depth: float = WRIST_DEPTH
    """[m] y of the wrist at rest, negative in front of the keys."""

    wrist_height: float = WRIST_HEIGHT
    """[m] Height of the wrist at rest over the tops of the white keys."""

    @property
    def press_y(self) -> np.ndarray:
        """y at which each finger presses a white key, behind its front edge [m]. Shape (5,).

        The arc of the fingertips has the hand's size, and its crest as much room before the black
        keys as the bundled hand's.
        """
        crest = float(PRESS_Y.max())
        room = float(self.tip_radius[2] - TIP_RADIUS[2])
        arc = crest - room - self.size.length * (crest - PRESS_Y)
        return np.maximum(arc, LEAST_PRESS_Y)

    @property
    def nominal_tips(self) -> np.ndarray:
        """x and y of the fingertips relative to the wrist in a five-finger position [m].

        Shape (5, 2).
        """
        return np.stack([TIP_X, self.press_y - self.wrist_depth], axis=1)

    @property
    def lowest_wrist(self) -> float:
        """Lowest height of the wrist joint over the tops of the white keys [m]."""
        return LOWEST_WRIST * self.size.breadth


def measure_hand(model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex) -> PlayingHand:
    """Measures a hand; its wrist is at the bundled hand's place times its size.

    Length is that of the bones from the wrist along the middle finger, whatever their angles;
    breadth that of the knuckles across the root frame.

    Args:
        model: with a right hand of our joints.
        data: its state, after `mj_kinematics` at neutral.
        hand: the hand in the model.
    """
    anchor = dict(zip(hand.joints, data.xanchor[hand.joint_ids(model)], strict=True))
    chain = ("flexion", "mcp3_flexion", "pm3_flexion", "md3_flexion")
    places = np.array([*(anchor[joint] for joint in chain), data.site_xpos[hand.tips[2]]])
    length = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    breadth = abs(float(anchor["mcp2_flexion"][0] - anchor["mcp5_flexion"][0]))
    # The fourth digit is below the precision of the constants.
    size = HandSize(round(length / BUNDLED_LENGTH, 3), round(breadth / BUNDLED_BREADTH, 3))
    radius = [_skin_radius(model, int(tip)) for tip in hand.tips]
    return PlayingHand(
        size=size,
        tip_radius=np.array(
            [
                TIP_RADIUS[digit] * size.breadth if measured is None else measured
                for digit, measured in zip(range(NUM_TIPS), radius, strict=True)
            ]
        ),
        wrist_depth=WRIST_DEPTH * size.length,
        wrist_height=WRIST_HEIGHT * size.breadth,
    )


def _skin_radius(model: mujoco.MjModel, site: int) -> float | None:
    """Radius of the colliding capsule that ends at a fingertip's site [m]; None without one."""
    nearest, radius = _WITHIN, None
    for geom in np.flatnonzero(model.geom_bodyid == model.site_bodyid[site]):
        is_capsule = model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE
        if not (is_capsule and (model.geom_contype[geom] or model.geom_conaffinity[geom])):
            continue
        axis = half_axis(model, int(geom))
        for end in (model.geom_pos[geom] + axis, model.geom_pos[geom] - axis):
            distance = float(np.linalg.norm(end - model.site_pos[site]))
            if distance < nearest:
                nearest, radius = distance, float(model.geom_size[geom, 0])
    return radius
