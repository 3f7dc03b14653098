"""Robustness at the piano: pushes, a weak muscle, fatigue, heavier keys and sensory delay.

    python experiments/bench_robustness.py
    python experiments/bench_robustness.py --controllers muscle --disturbances undisturbed pushes

Body and keys differ from those that the controllers were planned or trained with, and no controller
is told: all have is proprioception. Beside the figures of each disturbance stands the change from
the undisturbed ones. Results on file in `--out` are not computed again.
"""

from __future__ import annotations

import copy
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import mujoco
import numpy as np
from rich.console import Console
from typing_extensions import override

from harness.kept_results import keep_results
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.anatomy import Side
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.cli.deprecated import Renamed
from musclehand.controllers.controller import Controller, HandReference
from musclehand.controllers.tracking_policy import TrackingPolicyController
from musclehand.core.errors import UnknownName
from musclehand.envs.demonstrations.planned_motion import policy_plan_config
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.players import make_controller
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.plan import plan_performance
from musclehand.policies.tracking import load_tracking_policy

TITLE = "Robustness at the piano"

PROSE = """\
The body and the keys differ from those that the controllers were planned or trained with, and
no controller is told. Change from the undisturbed figure in brackets. Heavier keys have
{heavy:g} times the mass, inertia, armature and spring stiffness; pushes come {rate:g} times a
second and last {duration:g} s. With sensory delay the tracking policy is the one trained for
it, which is not compared with the other undisturbed."""

CONTROLLERS = ("muscle", "policy", "high-level")

PIECES = (
    "ode_to_joy",
    "minuet_in_g",
    "bach_prelude_in_c",
    "mozart_k265_theme",
    "wild_horseman",
    "clementi_sonatina",
)

FIGURES = {"onset F1": "onset_f1_50ms", "frame F1": "frame_f1_micro"}
"""Headings of the table, and the figures below them."""

PUSH = 50.0
"""[N] Largest force on a forearm."""

PUSH_RATE = 2.0
"""[1/s] Pushes of each forearm."""

PUSH_TIME = 0.1
"""[s] Mean duration of a push."""

WEAK = 0.5
"""Factor on the peak force of one muscle of each hand."""

HEAVY = 1.3
"""Factor on mass, inertia, armature and spring stiffness of the keys."""

FATIGUED = FatigueParameters(initial=0.3)
"""Of every muscle, so much is fatigued at the beginning."""

DELAY = 0.024
"""[s] Sensory delay."""

DELAYED_POLICY = "tracking_delayed"
"""Name of the bundled tracking policy for sensory delay."""

UNDISTURBED = "undisturbed"
PUSHES = "pushes"
WEAK_MUSCLE = "weak-muscle"
FATIGUE = "fatigue"
HEAVY_KEYS = "heavy-keys"
SENSORY_DELAY = "sensory-delay"

DISTURBANCES = {
    UNDISTURBED: "undisturbed",
    PUSHES: f"forearms pushed with up to {PUSH:g} N",
    WEAK_MUSCLE: f"one muscle of each hand at {100 * WEAK:.0f} %",
    FATIGUE: f"{100 * FATIGUED.initial:.0f} % of all muscles fatigued",
    HEAVY_KEYS: f"keys {100 * (HEAVY - 1):.0f} % heavier",
    SENSORY_DELAY: f"sensory delay {1e3 * DELAY:.0f} ms (policy: tracking_delayed)",
}
"""Disturbances, and their names in the table."""


@dataclass(frozen=True)
class Args:
    """What to play."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    seconds: float = 12.0
    """Of each piece, from its beginning."""

    controllers: tuple[str, ...] = CONTROLLERS
    """Names of controllers."""

    disturbances: tuple[str, ...] = tuple(DISTURBANCES)
    """Names of disturbances; the others are compared with the first."""

    high_level: Path | None = None
    """JSON file of a high-level policy; the bundled one by default."""

    out: Path = Path("runs/bench_robustness")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page."""


class DisturbedController(Controller):
    """A controller in a world that differs from the one that it has a model of."""

    def __init__(self, controller: Controller, disturbance: str, seed: int) -> None:
        """
        Args:
            controller: that plays; its own model is not changed.
            disturbance: of `DISTURBANCES`.
            seed: of the weak muscles and of the pushes.
        """
        self._controller = controller
        self._rng = np.random.default_rng(seed)
        self.score = controller.score
        self.sim_steps = controller.sim_steps
        self.lead_in = controller.lead_in
        model = copy.copy(controller.scene.model)
        self.scene = replace(controller.scene, model=model)
        self._dt = self.sim_steps * model.opt.timestep
        self._pushed = disturbance == PUSHES
        steps = round(DELAY / self._dt) if disturbance == SENSORY_DELAY else 0
        self._sensed = deque[mujoco.MjData](maxlen=steps + 1)
        self._forearms = [
            int(model.jnt_bodyid[model.dof_jntid[forearm.dofs[-1]]])
            for forearm in self.scene.forearms.values()
        ]
        if disturbance == WEAK_MUSCLE:
            for hand in self.scene.hands.values():
                muscle = hand.muscles[self._rng.integers(len(hand.muscles))]
                # The third parameter of MuJoCo's muscles is their peak force.
                model.actuator_gainprm[muscle, 2] *= WEAK
                model.actuator_biasprm[muscle, 2] *= WEAK
        if disturbance == HEAVY_KEYS:
            make_heavy(model, self.scene.keys.joint, HEAVY)

    @override
    def reset(self, data: mujoco.MjData) -> None:
        self._sensed.clear()
        self._controller.reset(data)

    @override
    def control(self, data: mujoco.MjData, step: int) -> None:
        if self._sensed.maxlen == 1:
            self._controller.control(data, step)
        else:
            self._sensed.append(copy.copy(data))
            self._controller.control(self._sensed[0], step)
            data.ctrl[:] = self._sensed[0].ctrl
        if self._pushed:
            self._push(data)

    @override
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        self._controller.drive(data, step, substep)

    @override
    def reference(self) -> dict[Side, HandReference]:
        return self._controller.reference()

    @override
    def close(self) -> None:
        self._controller.close()

    def _push(self, data: mujoco.MjData) -> None:
        """Begins and ends pushes."""
        for body in self._forearms:
            pushing = np.any(data.xfrc_applied[body])
            if pushing and self._rng.random() < self._dt / PUSH_TIME:
                data.xfrc_applied[body] = 0.0
            elif not pushing and self._rng.random() < self._dt * PUSH_RATE:
                direction = self._rng.normal(size=3)
                size = PUSH * self._rng.random() / np.linalg.norm(direction)
                data.xfrc_applied[body, :3] = direction * size


def make_heavy(model: mujoco.MjModel, joints: np.ndarray, factor: float) -> None:
    """Makes keys heavier and stiffer by the same factor.

    Args:
        model: that is changed.
        joints: ids of the keys' joints. Shape (keys,).
        factor: on mass, inertia, armature and spring stiffness.
    """
    bodies = model.jnt_bodyid[joints]
    model.jnt_stiffness[joints] *= factor
    model.body_mass[bodies] *= factor
    model.body_inertia[bodies] *= factor
    model.dof_armature[model.jnt_dofadr[joints]] *= factor
    # MuJoCo keeps the inertia of bodies that move by themselves (`dof_M0`), and what it derives
    # from inertia (`dof_invweight0`). Without this, keys would be stiffer and not heavier.
    mujoco.mj_setConst(model, mujoco.MjData(model))


def main(args: Args) -> None:
    """Plays, prints, writes."""
    for kind, names, choices in (
        ("disturbance", args.disturbances, DISTURBANCES),
        ("controller", args.controllers, CONTROLLERS),
    ):
        for name in names:
            if name not in choices:
                raise UnknownName(kind, name, choices)
    args.out.mkdir(parents=True, exist_ok=True)
    paths = {
        (piece, controller, disturbance): args.out / f"{piece}_{controller}_{disturbance}.json"
        for disturbance in args.disturbances
        for controller in args.controllers
        for piece in args.pieces
    }
    rows = keep_results(paths, play_one, args, workers=args.workers, description="plays")
    table = as_table(rows, args)
    Console().print(table, markup=False)
    if args.results:
        prose = PROSE.format(heavy=HEAVY, rate=PUSH_RATE, duration=PUSH_TIME)
        command = command_of(__file__, args)
        write_results_page("robustness", TITLE, command, f"{prose}\n\n{table}")


def play_one(piece: str, controller: str, disturbance: str, args: Args) -> dict[str, float]:
    """Figures of one performance.

    Args:
        piece: name of the piece.
        controller: its name.
        disturbance: its name.
        args: of the experiment.
    """
    score = load_piece(piece)
    score = score.clip(0.0, min(args.seconds, score.duration))
    player = make_player(score, controller, disturbance, args)
    disturbed = DisturbedController(player, disturbance, seed=args.pieces.index(piece))
    metrics = perform(score, disturbed).metrics
    return {figure: float(getattr(metrics, figure) or 0.0) for figure in FIGURES.values()}


def make_player(score: Score, controller: str, disturbance: str, args: Args) -> Controller:
    """The controller that plays; with sensory delay the policy that was trained for it.

    Args:
        score: to play.
        controller: its name.
        disturbance: its name.
        args: of the experiment.
    """
    if has_own_policy(controller, disturbance):
        plan = plan_performance(score, config=policy_plan_config())
        policy = load_tracking_policy(DELAYED_POLICY)
        return TrackingPolicyController(plan, policy, delay=DELAY)
    settings = PlayerSettings(
        controller,
        fatigue=FATIGUED if disturbance == FATIGUE else None,
        policy=args.high_level if controller == "high-level" else None,
        processes=1,
    )
    return make_controller(keyboard_score(score), settings)


def has_own_policy(controller: str, disturbance: str) -> bool:
    """Whether a policy was trained for the disturbance."""
    return (controller, disturbance) == ("policy", SENSORY_DELAY)


def as_table(rows: Mapping[tuple[str, str, str], Mapping[str, float]], args: Args) -> str:
    """Means over pieces, in Markdown, and changes from the first disturbance."""

    def mean(controller: str, disturbance: str, figure: str) -> float:
        values = [rows[piece, controller, disturbance][figure] for piece in args.pieces]
        return float(np.mean(values))

    first = args.disturbances[0]
    head = [f"{len(args.pieces)} pieces, means"]
    for controller in args.controllers:
        heading, *headings = FIGURES
        head += [f"{controller}: {heading}", *headings]
    lines = []
    for disturbance in args.disturbances:
        cells = []
        for controller in args.controllers:
            alone = disturbance == first or has_own_policy(controller, disturbance)
            for figure in FIGURES.values():
                value = mean(controller, disturbance, figure)
                change = value - mean(controller, first, figure)
                cells.append(f"{value:.3f}" if alone else f"{value:.3f} ({change:+.3f})")
        lines.append([DISTURBANCES[disturbance], *cells])
    return markdown_table(head, lines)


_OLD_NAMES = {
    "pushed": PUSHES,
    "weak": WEAK_MUSCLE,
    "tired": FATIGUE,
    "heavy": HEAVY_KEYS,
    "late": SENSORY_DELAY,
}

RENAMED = Renamed(
    options={"--troubles": "--disturbances", "--planner": "--high-level"},
    values={
        ("--controllers", "planner"): "high-level",
        **{("--disturbances", old): new for old, new in _OLD_NAMES.items()},
    },
)

if __name__ == "__main__":
    run_script(main, Args, __doc__, renamed=RENAMED)
