"""What a surrogate world is like: parameters that nobody outside its process sees, drawn by seed.

Ranges are those of real instruments, bodies and nerves as far as they were measured, and are wider
than what a calibration would guess, so that some truths lie near the edge of it:

- Keys: concert actions have about 0.02 N m of friction and three times the inertia of the bundled
  keys; electric pianos sound 1 to 3 mm above their stop and fall silent up to 5 mm above it.
- Muscles: optimal strength in fits to people varies from 50 to 180 %, activation times from 60 to
  200 %.
- Nerves: a person's senses take 25 to 50 ms, a robot's 5 to 20 ms.

Tiers differ in structure. In "t0" the player's own simulation has other numbers. In "t1" it also
has another time step, integrator, friction cone and contact stiffness; keys that differ from each
other, with a let-off; muscles that differ and tremble; senses with noise; and velocities from two
contacts under each key.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.music.pitch import NUM_KEYS
from musclehand.world.names import TIERS, SurrogateName


class Prior(NamedTuple):
    """How a parameter is drawn: normally about a middle, and within bounds."""

    middle: float
    """Median."""

    low: float
    """Lowest value."""

    high: float
    """Highest value."""

    log: bool = True
    """Drawn by its logarithm."""


PRIORS = {
    "keyboard_x": Prior(0.0, -0.014, 0.014, log=False),
    "keyboard_y": Prior(0.0, -0.022, 0.022, log=False),
    "keyboard_z": Prior(0.0, -0.008, 0.008, log=False),
    "keyboard_yaw": Prior(0.0, -0.035, 0.035, log=False),
    "on_band": Prior(0.0087, 0.004, 0.02),
    "off_gap": Prior(0.0087, 0.004, 0.03),
    "velocity_offset": Prior(0.0, -18.0, 18.0, log=False),
    "velocity_slope": Prior(1.0, 0.5, 1.6),
    "key_inertia": Prior(1.0, 0.5, 5.0),
    "key_damping": Prior(1.0, 0.3, 5.0),
    "key_friction": Prior(0.008, 0.0005, 0.05),
    "key_spring_white": Prior(1.0, 0.5, 2.0),
    "key_spring_black": Prior(1.0, 0.5, 2.0),
    "strength_extrinsic": Prior(1.0, 0.4, 1.8),
    "strength_intrinsic": Prior(1.0, 0.4, 1.8),
    "activation_rise": Prior(1.0, 0.6, 3.0),
    "activation_fall": Prior(1.0, 0.6, 3.0),
    "joint_damping": Prior(1.0, 0.3, 4.0),
    "servo_stiffness": Prior(1.0, 0.1, 2.0),
    "servo_damping": Prior(1.0, 0.3, 2.0),
    "sensory_delay": Prior(0.010, 0.001, 0.045),
    "command_delay": Prior(0.004, 0.001, 0.02),
}
"""Parameters of `Truth` that are drawn one by one, in the order of the draw."""


@dataclass(frozen=True)
class Structure:
    """What a world of tier "t1" has that the player's simulation has not."""

    integrator: str
    """"euler", "implicit" or "implicitfast"."""

    contact_time: float
    """Factor on the time constant of contacts with keys."""

    let_off: float
    """[N m] Peak of the resistance just before a key sounds, on the way down."""

    key_springs: np.ndarray
    """Factors on the springs of single keys. Shape (88,)."""

    key_heights: np.ndarray
    """[m] Heights of single keys above the others. Shape (88,)."""

    muscle_seed: int
    """Of the strengths of single muscles."""

    motor_noise: float
    """Standard deviation of an excitation over its mean, in every command."""

    angle_noise: float
    """[rad] Standard deviation of sensed angles."""


@dataclass(frozen=True)
class Truth:
    """A surrogate world; factors are on the bundled hands and piano."""

    keyboard_x: float
    """[m] Place of the keyboard along its keys, from where the player believes it to be."""

    keyboard_y: float
    """[m] Away from the player."""

    keyboard_z: float
    """[m] Height."""

    keyboard_yaw: float
    """[rad] Turned about the vertical through the middle of its front edge."""

    on_band: float
    """[rad] A key sounds within this of its bottom stop."""

    off_gap: float
    """[rad] It falls silent so much higher."""

    velocity_offset: float
    """Added to the MIDI velocity of a hammer at 1 m/s."""

    velocity_slope: float
    """Factor on MIDI velocity per decade of speed."""

    key_inertia: float
    """Factor."""

    key_damping: float
    """Factor."""

    key_friction: float
    """[N m] Coulomb friction of every key."""

    key_spring_white: float
    """Factor on the springs of white keys."""

    key_spring_black: float
    """Factor on the springs of black keys."""

    strength_extrinsic: float
    """Factor on the peak force of muscles that cross the wrist."""

    strength_intrinsic: float
    """Factor on the peak force of all others."""

    activation_rise: float
    """Factor on the time constant of activation."""

    activation_fall: float
    """Factor on the time constant of deactivation."""

    joint_damping: float
    """Factor on the damping of the hands' joints."""

    servo_stiffness: float
    """Factor on the stiffness of the forearm servos."""

    servo_damping: float
    """Factor on their damping."""

    sensory_delay: float
    """[s] of senses."""

    command_delay: float
    """[s] of commands."""

    structure: Structure | None = None
    """Of tier "t1"; None in "t0"."""


def draw_truth(name: SurrogateName) -> Truth:
    """The surrogate world of a name; the same name gives the same world.

    The parameters of one seed are the same in all tiers.
    """
    rng = np.random.default_rng([name.seed, 0])
    values = {parameter: _draw(rng, prior) for parameter, prior in PRIORS.items()}
    return Truth(**values, structure=None if name.tier == TIERS[0] else _structure(name.seed))


def _draw(rng: np.random.Generator, prior: Prior) -> float:
    """A value of a parameter. The nearer bound of its prior is two standard deviations away; draws
    outside are drawn again."""
    middle, low, high = (
        (math.log(value) if prior.log else value) for value in (prior.middle, prior.low, prior.high)
    )
    while True:
        share = float(rng.standard_normal()) / 2.0
        value = middle + share * ((high - middle) if share > 0 else (middle - low))
        if low <= value <= high:
            return math.exp(value) if prior.log else value


def _structure(seed: int) -> Structure:
    rng = np.random.default_rng([seed, 1])
    return Structure(
        integrator=str(rng.choice(["euler", "implicit", "implicitfast"])),
        contact_time=float(np.exp(rng.uniform(math.log(0.5), math.log(2.0)))),
        let_off=float(rng.uniform(0.0, 0.03)),
        key_springs=np.exp(0.1 * rng.standard_normal(NUM_KEYS)),
        key_heights=0.0003 * rng.standard_normal(NUM_KEYS),
        muscle_seed=int(rng.integers(2**31)),
        motor_noise=float(rng.uniform(0.02, 0.1)),
        angle_noise=math.radians(float(rng.uniform(0.1, 0.5))),
    )
