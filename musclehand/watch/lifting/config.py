"""Constants of the lift."""

from __future__ import annotations

from dataclasses import dataclass

from musclehand.core.errors import InvalidValue


@dataclass(frozen=True)
class LiftConfig:
    """Expected errors, postures and speeds of a film's hands; standard deviations where not stated
    otherwise.

    Heights of fingertips are those of rendered performances; what is expected of postures and
    speeds was chosen on them (`experiments/bench_watch_lift.py`).

    Raises:
        InvalidValue: a number is out of range.
    """

    point_error: float = 0.004
    """[m] of the points of the picture along each axis, before it is measured on the film."""

    least_point_error: float = 0.004
    """[m] least such error that is taken from the film. What remains of a network's points is less
    than their error: it invents plausible hands. Chosen on rendered films of four seconds."""

    most_point_error: float = 0.015
    """[m] largest one."""

    freedom: float = 5.0
    """Degrees of freedom of Student's distribution of these errors; chosen: far errors of hidden
    fingers are common."""

    correlation: float = 0.3
    """[s] Time over which errors of a detector are alike, so that more frames tell no more."""

    bridged_error: float = 3.0
    """Factor on the error of points that were interpolated over a gap."""

    offset: float = 0.004
    """[m] of a point's constant displacement along each axis, for points of the fingers. Measured
    of MediaPipe Hands on rendered frames: 0.5 to 9 mm in length."""

    thumb_offset: float = 0.010
    """[m] of it for points of the thumb: 9 to 16 mm in length."""

    wrist_offset: float = 0.012
    """[m] of it for the wrist: 14 to 16 mm in length."""

    size: float = 0.06
    """of the hand's size; ANSUR II (recalled): lengths of the hands of women and men together."""

    contact_height: float = -0.001
    """[m] Mean height of a fingertip that plays above the top of its key at rest."""

    contact_error: float = 0.002
    """[m] of this height."""

    contact_slack: float = 0.003
    """[m] of a fingertip that plays beyond the edges of its key."""

    contact_gate: float = 0.030
    """[m] Distance of a fingertip in the picture from the key, above which the note is taken for
    another finger's; chosen: more than a key's width."""

    longest_contact: float = 2.0
    """[s] A finger is taken to stay on its key for so long at most; chosen."""

    idle_height: float = 0.020
    """[m] Mean height of a fingertip that waits above the tops of the white keys."""

    idle_error: float = 0.006
    """[m] of this height."""

    finger_posture: float = 0.3
    """[rad] of joints of the fingers about the playing posture; chosen, twice the spread of
    rendered performances, because people's differs more."""

    wrist_posture: float = 0.15
    """[rad] of the joints of forearm and wrist about it."""

    yaw: float = 0.1
    """[rad] of the forearm's yaw, which is not visible but by the wrist's deviation."""

    wrist_height: float = 0.015
    """[m] of the wrist's height about that of the playing posture."""

    wrist_path: float = 0.03
    """[m] of the wrist about a straight path through a gap."""

    joint_jerk: float = 4000.0
    """[rad/s^3] of the joints' jerk."""

    wrist_jerk: float = 100.0
    """[m/s^3] of the wrist's jerk."""

    yaw_jerk: float = 100.0
    """[rad/s^3] of the jerk of the yaw."""

    window: float = 3.0
    """[s] that a window adds."""

    ahead: float = 1.5
    """[s] beyond it that a window looks ahead, and the next one solves again."""

    steps: int = 40
    """Most steps of a window."""

    calibration_frames: int = 150
    """Frames of each hand, spread over the film, from which what all share is found."""

    longest_gap: float = 0.5
    """[s] Longer times without a hand in the picture are marked as not seen."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "contact_height" and not value > 0:
                raise InvalidValue(f"{name} of the lift", value, "a number above 0")
        if self.ahead < 0.2 or self.window < 0.2:
            raise InvalidValue("window and ahead of the lift", (self.window, self.ahead), "0.2 s")
