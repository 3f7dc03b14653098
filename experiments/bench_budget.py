"""Error budget: the plan itself, ideal joint torques, our muscles and MyoHand's on the same motion.

    python experiments/bench_budget.py
    python experiments/bench_budget.py --pieces ode_to_joy --generated 0 --seconds 5 --out runs/try

Four players of the same excerpts, planned in the same way:

    plan      the notes as the hands mean to play them, nothing simulated: the ceiling
    torques   our hands without muscle force; in every simulation step a torque on each joint that
              reaches the reference (computed torque control, damping implicit, press of the
              fingertips and damping of the keys fed forward), without bound or delay
    muscles   our hands as they are
    MyoHand   its muscles, and ours for the thumb, which it lacks (see `bench_repertoire.py`)

From the plan to torques is the cost of tracking and contact, from torques to muscles that of
muscles and their control. Results on file are not computed again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from threadpoolctl import threadpool_limits

from bench_repertoire import PEER, peer_hand
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.anatomy import Side
from musclehand.controllers.muscle import MuscleController
from musclehand.core.atomic import write_file
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.planning.lookahead import HandsStep
from musclehand.planning.plan import PerformancePlan, plan_performance
from musclehand.sim.scene import build_scene

TITLE = "Error budget"

PROSE = """\
The same planned motion by four players: the plan itself (nothing simulated), ideal joint
torques on hands without muscle force, the muscles of musclehand, and those of MyoHand with
thumb muscles added. From the plan to torques is the cost of tracking and contact; from torques
to muscles is the cost of muscles and their control. Means over excerpts of {seconds:g} s of
{pieces} pieces and {generated} generated scores."""

PLAYERS = ("plan", "torques", "muscles", PEER)

FIGURES = (
    "onset_f1_50ms",
    "frame_f1_micro",
    "onset_error_ms_median",
    "onset_error_ms_p95",
    "velocity_correlation",
)

PIECES = (
    "ode_to_joy",
    "minuet_in_g",
    "bach_prelude_in_c",
    "fuer_elise",
    "clementi_sonatina",
    "arabesque",
    "repeated_notes",
    "trill_study",
)

RATE = 60.0
"""[1/s] Rate at which ideal torques close position errors of joints. Chosen."""

REACH_IN = 0.004
"""[s] Time in which a wanted velocity is reached: two simulation steps. In one step, fingertips
rattle on the keys."""


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    generated: int = 4
    """Number of generated two-hand scores beside the pieces."""

    seconds: float = 15.0
    """Of each score."""

    seed: int = 41
    """Of the generated scores."""

    out: Path = Path("runs/bench_budget")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


class TorqueController(MuscleController):
    """Ideal torques on the joints of hands whose muscles have no force; same plan, same hands."""

    def __init__(self, plan: PerformancePlan, **options: Any) -> None:
        super().__init__(plan, **options)
        model = self.scene.model
        # Peak force, of active and passive curves alike; the controls above have read their
        # constants already.
        model.actuator_gainprm[self._muscles, 2] = model.actuator_biasprm[self._muscles, 2] = 0.0
        self._mass = np.zeros((model.nv, model.nv))
        self._tip = np.zeros((3, model.nv))
        self._last: dict[Side, np.ndarray] = {}

    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        """Forearms as with muscles, then the torques of this simulation step."""
        super().drive(data, step, substep)
        mujoco.mj_fullM(self.scene.model, data, self._mass)
        data.qfrc_applied[:] = 0.0
        assert self._reference is not None
        for row, side in enumerate(self.scene.hands):
            now = HandsStep(*(field[row] for field in self._reference))
            share = (substep + 1) / self.sim_steps
            data.qfrc_applied[self.scene.hands[side].dofs] = self._torque(data, side, now, share)
            if substep == self.sim_steps - 1:
                self._last[side] = now.next_qvel

    def _torque(self, data: mujoco.MjData, side: Side, now: HandsStep, share: float) -> np.ndarray:
        """Torques on all joints [N m], the last finger joints included, so that their coupling
        carries no force. Shape (23,).

        Args:
            data: of the simulation.
            side: of the hand.
            now: reference of the control step.
            share: of the control step that is over at the end of this simulation step.
        """
        model = self.scene.model
        hand = self.scene.hands[side]
        carrier = self.scene.forearms[side]
        before = now.qpos[hand.independent]
        speed = (1.0 - share) * self._last.get(side, now.next_qvel) + share * now.next_qvel
        aim = before + share * (now.next_qpos - before)
        velocity = hand.expand @ (speed + RATE * (aim - data.qpos[hand.qpos][hand.independent]))
        acceleration = (velocity - data.qvel[hand.dofs]) / REACH_IN
        down = np.array([self._down(data, site)[hand.dofs] for site in hand.tips])
        inertia = self._mass[np.ix_(hand.dofs, hand.dofs)]
        carried = self._mass[np.ix_(hand.dofs, carrier.dofs)] @ _carrier_acceleration(now)
        load = data.qfrc_bias[hand.dofs] - data.qfrc_spring[hand.dofs] + carried
        torque = inertia @ acceleration + model.dof_damping[hand.dofs] * velocity + load
        return np.asarray(torque + down.T @ (now.key_damping * (down @ velocity) - now.press))

    def _down(self, data: mujoco.MjData, site: int) -> np.ndarray:
        """Jacobian of a fingertip's height, a copy [m/rad]. Shape (nv,)."""
        mujoco.mj_jacSite(self.scene.model, data, self._tip, None, site)
        return self._tip[2].copy()


def _carrier_acceleration(now: HandsStep) -> np.ndarray:
    return np.concatenate([now.wrist_acceleration[-1], np.zeros(2)])


def main(args: Args) -> None:
    """Plays what has not been played yet, prints the table."""
    args.out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, Any]]] = {player: [] for player in PLAYERS}
    for name, score in excerpts(args).items():
        for player in PLAYERS:
            path = args.out / f"{name}_{player.split()[0]}.json"
            if not path.exists():
                write_file(path, json.dumps(play_one(score, player), indent=1))
            rows[player].append(json.loads(path.read_text(encoding="utf-8")))
            print(name, player, {key: rows[player][-1][key] for key in FIGURES}, flush=True)
    table = render_table(rows)
    print(table)
    write_file(args.out / "table.md", table)
    if args.results:
        prose = PROSE.format(
            seconds=args.seconds, pieces=len(args.pieces), generated=args.generated
        )
        command = command_of(__file__, args)
        write_results_page("budget", TITLE, command, f"{prose}\n\n{table}")


def excerpts(args: Args) -> dict[str, Score]:
    """The beginnings of the pieces, and generated scores of medium difficulty."""
    scores = {name: load_piece(name).clip(0.0, args.seconds) for name in args.pieces}
    for number, difficulty in enumerate(np.linspace(0.3, 0.6, args.generated)):
        rng = np.random.default_rng([args.seed, number])
        scores[f"generated_{number}"] = two_hand_texture(
            rng, float(difficulty), seconds=args.seconds
        )
    return {name: keyboard_score(score) for name, score in scores.items()}


def play_one(score: Score, player: str) -> dict[str, Any]:
    """Figures of one player on one excerpt; None where a player has no such figure."""
    kind = TorqueController if player == "torques" else MuscleController
    with threadpool_limits(1):
        scene = build_scene(design=peer_hand() if player == PEER else None)
        plan = plan_performance(score, design=scene.design)
    if player == "plan":
        metrics = plan.metrics
        return {
            **{key: getattr(metrics, key) for key in FIGURES},
            "velocity_correlation": None,
            "joint_rmse_deg": None,
        }
    result = perform(score, kind(plan, scene=scene))
    return {**{key: getattr(result.metrics, key) for key in FIGURES}, **asdict(result.body)}


def render_table(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Means over the excerpts, a row for each player."""
    columns = {
        "onset F1 50 ms": ("onset_f1_50ms", 3),
        "frame F1 micro": ("frame_f1_micro", 3),
        "onset error ms median": ("onset_error_ms_median", 1),
        "p95": ("onset_error_ms_p95", 1),
        "velocity r": ("velocity_correlation", 2),
        "joints deg": ("joint_rmse_deg", 2),
    }
    lines = []
    for player, results in rows.items():
        cells = []
        for key, digits in columns.values():
            values = [row[key] for row in results if row[key] is not None]
            cells.append(f"{np.mean(values):.{digits}f}" if values else "")
        lines.append([player, *cells])
    return markdown_table(["player", *columns], lines)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
