"""Who plays on when something goes wrong that nobody was told of: pushes, weak or tired muscles,
late senses and more.

    python experiments/bench_troubled.py --readme
    python experiments/bench_troubled.py --pieces ode_to_joy --controllers planner --troubles undisturbed pushed

The body and the keys differ from those that the player reckons with, who has only its senses to
notice. Beside the figures of every condition stands what was lost of the undisturbed one. What is
finished stays in `--out`.
"""

from __future__ import annotations

import copy
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import mujoco
import numpy as np
import tyro
from kept_results import keep_results
from readme_table import put_table
from rich.console import Console

from musclehand.body.anatomy import Side
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.controllers.controller import Controller, HandReference
from musclehand.controllers.tracking_policy import TrackingPolicyController
from musclehand.core.errors import MusclehandError, UnknownName
from musclehand.music.repertoire import load_piece
from musclehand.performance.perform import perform
from musclehand.performance.players import make_controller

MARK = "troubled table"
CONTROLLERS = ("muscle", "policy", "planner")
PIECES = (
    "ode_to_joy",
    "minuet_in_g",
    "bach_prelude_in_c",
    "mozart_k265_theme",
    "wild_horseman",
    "clementi_sonatina",
)
FIGURES = ("onset_f1_50ms", "frame_f1_micro")

PUSH = 50.0
"""Largest force on a forearm [N]."""

PUSH_RATE = 2.0
PUSH_TIME = 0.1
"""So often [1/s], each so long [s]."""

WEAK = 0.5
HEAVY = 1.3
"""Factors on the force of one muscle of each hand, and on mass and spring of the keys."""

TIRED = FatigueParameters(initial=0.3)
"""Of every muscle, so much is tired at the beginning."""

LATE = 0.024
"""Senses come so late [s], where they do; the policy is then the one that was made for that,
which is not compared with the other undisturbed."""

LATE_POLICY = "000002.json"

TROUBLES = {
    "undisturbed": "",
    "pushed": f"forearms pushed with up to {PUSH:g} N",
    "weak": f"one muscle of each hand at {100 * WEAK:.0f} %",
    "tired": f"{100 * TIRED.initial:.0f} % of all muscles tired",
    "heavy": f"keys {100 * (HEAVY - 1):.0f} % heavier",
    "late": f"senses {1e3 * LATE:.0f} ms late (the policy is the one made for that)",
}


@dataclass(frozen=True)
class Args:
    """What to play."""

    pieces: tuple[str, ...] = PIECES
    """names from `musclehand play --list`"""
    seconds: float = 12.0
    """of each, from its beginning"""
    controllers: tuple[str, ...] = CONTROLLERS
    """who plays"""
    troubles: tuple[str, ...] = tuple(TROUBLES)
    """what goes wrong"""
    planner: Path | None = None
    """another planner than the one that comes along"""
    out: Path = Path("runs/bench_troubled")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    readme: bool = False
    """put the table into README.md"""


class Troubled(Controller):
    """A player in a world that is not quite the one that it reckons with."""

    def __init__(self, player: Controller, trouble: str, seed: int) -> None:
        """`trouble`: of `TROUBLES`; `seed`: of what is drawn."""
        self._player = player
        self._rng = np.random.default_rng(seed)
        self.score = player.score
        self.sim_steps = player.sim_steps
        self.lead_in = player.lead_in
        model = copy.copy(player.scene.model)
        self.scene = replace(player.scene, model=model)
        self._pushed = trouble == "pushed"
        late = round(LATE / (self.sim_steps * model.opt.timestep)) if trouble == "late" else 0
        self._felt = deque[mujoco.MjData](maxlen=late + 1)
        self._arms = [
            int(model.jnt_bodyid[model.dof_jntid[one.dofs[-1]]])
            for one in self.scene.forearms.values()
        ]
        if trouble == "weak":
            for hand in self.scene.hands.values():
                muscle = hand.muscles[self._rng.integers(len(hand.muscles))]
                # MuJoCo's muscles have the peak force there.
                model.actuator_gainprm[muscle, 2] *= WEAK
                model.actuator_biasprm[muscle, 2] *= WEAK
        if trouble == "heavy":
            keys = self.scene.keys
            model.jnt_stiffness[keys.joint] *= HEAVY
            model.body_mass[model.jnt_bodyid[keys.joint]] *= HEAVY
            model.body_inertia[model.jnt_bodyid[keys.joint]] *= HEAVY
            model.dof_armature[model.jnt_dofadr[keys.joint]] *= HEAVY

    def reset(self, data: mujoco.MjData) -> None:
        """As the player."""
        self._felt.clear()
        self._player.reset(data)

    def control(self, data: mujoco.MjData, step: int) -> None:
        """As the player, who may see what was some time ago; now and then a push begins or ends."""
        if self._felt.maxlen == 1:
            self._player.control(data, step)
        else:
            self._felt.append(copy.copy(data))
            self._player.control(self._felt[0], step)
            data.ctrl[:] = self._felt[0].ctrl
        if not self._pushed:
            return
        dt = self.sim_steps * self.scene.model.opt.timestep
        for body in self._arms:
            left = np.any(data.xfrc_applied[body])
            if left and self._rng.random() < dt / PUSH_TIME:
                data.xfrc_applied[body] = 0.0
            elif not left and self._rng.random() < dt * PUSH_RATE:
                force = self._rng.normal(size=3)
                data.xfrc_applied[body, :3] = (
                    force * PUSH * self._rng.random() / np.linalg.norm(force)
                )

    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        """As the player."""
        self._player.drive(data, step, substep)

    def reference(self) -> dict[Side, HandReference]:
        """As the player."""
        return self._player.reference()

    def close(self) -> None:
        """As the player."""
        self._player.close()


def main(args: Args) -> None:
    """Plays, prints, writes."""
    for kind, names, known in (
        ("trouble", args.troubles, TROUBLES),
        ("controller", args.controllers, CONTROLLERS),
    ):
        for name in names:
            if name not in known:
                raise UnknownName(kind, name, known)
    args.out.mkdir(parents=True, exist_ok=True)
    paths = {
        (piece, controller, trouble): args.out / f"{piece}_{controller}_{trouble}.json"
        for trouble in args.troubles
        for controller in args.controllers
        for piece in args.pieces
    }
    rows = keep_results(paths, play_one, args, workers=args.workers, doing="plays")
    table = as_table(rows, args)
    Console().print(table, markup=False)
    if args.readme:
        put_table(MARK, table)


def play_one(piece: str, controller: str, trouble: str, args: Args) -> dict[str, float]:
    """Figures of one performance."""
    score = load_piece(piece)
    score = score.clip(0.0, min(args.seconds, score.duration))
    planner = args.planner if controller == "planner" else None
    player: Controller
    if (controller, trouble) == ("policy", "late"):
        policies = files("musclehand.models.policies")
        with as_file(policies) as folder:
            plan = plan_performance(score, config=policy_plan_config())
            player = TrackingPolicyController(plan, folder / LATE_POLICY, delay=LATE)
    else:
        fatigue = TIRED if trouble == "tired" else None
        settings = PlayerSettings(controller, fatigue=fatigue, policy=planner, processes=1)
        player = make_controller(keyboard_score(score), settings)
    metrics = perform(
        score, Troubled(player, trouble, seed=args.pieces.index(piece))
    ).metrics.as_dict()
    return {name: float(metrics[name] or 0.0) for name in FIGURES}


def as_table(rows: Mapping[tuple[str, str, str], Mapping[str, float]], args: Args) -> str:
    """Means over pieces, in Markdown, and what is lost of the first condition."""
    heads = " | ".join(f"{one}: onset F1 | frame F1" for one in args.controllers)
    lines = [
        f"| {len(args.pieces)} pieces, means | {heads} |",
        f"|{' --- |' * (1 + 2 * len(args.controllers))}",
    ]

    def mean(controller: str, trouble: str, figure: str) -> float:
        return float(np.mean([rows[piece, controller, trouble][figure] for piece in args.pieces]))

    for trouble in args.troubles:
        cells = []
        for controller in args.controllers:
            for figure in FIGURES:
                now, first = (mean(controller, one, figure) for one in (trouble, args.troubles[0]))
                alone = trouble == args.troubles[0] or (controller, trouble) == ("policy", "late")
                cells.append(f"{now:.3f}" if alone else f"{now:.3f} ({now - first:+.3f})")
        lines.append(f"| {TROUBLES[trouble] or trouble} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
