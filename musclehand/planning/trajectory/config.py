"""Constants of trajectory optimisation."""

from __future__ import annotations

from dataclasses import dataclass

from musclehand.core.errors import InvalidValue


@dataclass(frozen=True)
class TrajectoryConfig:
    """Knots, weights and distances of trajectory optimisation.

    Weights marked [share] are factors on that of fingertips, `IkWeights.tip`, which is 1 for a
    finger that presses a key. Weights of jerk and acceleration count squared third and second
    differences between knots; they are those of a `knot_time` of 8 ms. Unless stated otherwise,
    values were chosen on a third of recorded performances and on generated scores
    (`experiments/bench_literature.py`).

    Raises:
        InvalidValue: a number is out of range.
    """

    knot_time: float = 0.008
    """[s] between knots."""

    window_knots: int = 64
    """Knots that a window adds."""

    ahead_knots: int = 40
    """Knots beyond them that a window looks ahead, and the next one solves again."""

    steps: int = 4
    """Steps of a hand before it is the other hand's turn."""

    rounds: int = 4
    """Turns of each hand in a window."""

    first_rounds: int = 8
    """Turns of each hand in the first window, which begins far from its solution."""

    waiting_weight: float = 0.03
    """[share] largest weight of the target of a finger that waits: it gives way to those that
    play."""

    floor_weight: float = 0.3
    """[share] weight of the distance of a waiting finger below its target."""

    sideways_weight: float = 1.0
    """[share] least weight of the error of a pressing finger along the keyboard."""

    joint_jerk_weight: float = 2000.0
    """[1/rad^2] weight of the third differences of joint angles."""

    wrist_jerk_weight: float = 5.0e4
    """[1/m^2] weight of the third differences of the wrist's place."""

    yaw_jerk_weight: float = 3.0e4
    """[1/rad^2] weight of the third differences of the forearm's yaw."""

    wrist_acceleration: float = 45.0
    """[m/s^2] acceleration of the wrist along an axis that costs nothing, within what the servos
    of the forearm reach."""

    yaw_acceleration: float = 300.0
    """[rad/s^2] acceleration of the yaw that costs nothing, likewise."""

    acceleration_weight: float = 1.0e7
    """[1/m^2, 1/rad^2] weight of second differences of wrist and yaw beyond these."""

    wrist_weight: float = 20.0
    """[1/m^2] weight of the wrist's distance from its planned path
    (`planning.strokes.reach`)."""

    yaw_weight: float = 1.0
    """[1/rad^2] weight of the forearm's yaw."""

    limit_weight: float = 100.0
    """[1/rad^2] weight of joint angles beyond their limits."""

    finger_weight: float = 0.25
    """[share] weight of overlaps of digits."""

    finger_margin: float = 0.001
    """[m] least distance between digits; an assumption."""

    order_weight: float = 1.0
    """[share] weight of fingers out of their order along the keyboard."""

    order_gap: float = 0.009
    """[m] least distance between the far ends of neighbouring fingers' bones along the keyboard;
    less than the width of a finger."""

    key_weight: float = 0.25
    """[share] weight of overlaps with keys that the digit does not play."""

    key_margin: float = 0.002
    """[m] least distance from these keys: the 1.2 mm of pulp at which contact begins, and 0.8 mm
    for errors of tracking."""

    hand_weight: float = 1.0
    """[share] weight of overlaps of the two hands."""

    hand_margin: float = 0.01
    """[m] least distance between the hands."""

    damping: float = 1.0
    """Damping with which each window begins; an assumption."""

    def __post_init__(self) -> None:
        if not 1e-3 <= self.knot_time <= 0.05:
            raise InvalidValue("knot_time of the trajectory", self.knot_time, "0.001 to 0.05 s")
        for name, least in (
            ("window_knots", 8),
            ("ahead_knots", 4),
            ("steps", 1),
            ("rounds", 1),
            ("first_rounds", 1),
        ):
            if getattr(self, name) < least:
                raise InvalidValue(
                    f"{name} of the trajectory", getattr(self, name), f"{least} or more"
                )
