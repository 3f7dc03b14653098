"""One performance: a score and a controller in, everything that happened out.

    result = perform(load_piece("ode_to_joy"))
    result.metrics.onset_f1_50ms, result.body.joint_rmse_deg

    plan = plan_performance(score)
    result = perform(score, MuscleController(plan), record="song.h5")

A performance is judged against what one keyboard can be asked to play (`keyboard_score`). The same
score, seed and machine give the same result, whatever the number of threads.
"""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import mujoco
from threadpoolctl import threadpool_limits

from musclehand.body.anatomy import Side
from musclehand.controllers.contact_log import ContactLog
from musclehand.controllers.controller import Controller
from musclehand.controllers.run import BodyMetrics, Run
from musclehand.controllers.run import SimulationError as SimulationError
from musclehand.controllers.world_run import Nerves, WorldRun
from musclehand.core import interrupts
from musclehand.core.progress import Progress
from musclehand.motion.clip import MotionClip
from musclehand.motion.likeness import Likeness, likeness
from musclehand.music.metrics import PerformanceMetrics, score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.plan_figures import PlanFigures
from musclehand.performance.played_motion import MotionKeeper
from musclehand.performance.players import PlanPlayer, make_controller
from musclehand.performance.record import note_table, open_recording, provenance
from musclehand.performance.remarks import performance_remarks
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.plan import TAIL
from musclehand.planning.strokes.contacts import RunContacts
from musclehand.planning.strokes.rehearsal import Rehearsal, RunOutcome
from musclehand.world.simulated import Nature, SimulatedWorld
from musclehand.world.surrogate import open_world
from musclehand.world.world import World


@dataclass(frozen=True)
class Performance:
    """What was played, and how well."""

    score: Score
    """What was asked of the keyboard, with hands and fingers."""

    played: Score
    """The notes that sounded."""

    metrics: PerformanceMetrics
    """The notes that sounded against those asked for."""

    body: BodyMetrics
    """How the hands moved."""

    controller: str
    """Name of the controller."""

    wall_s: float
    """[s] time that planning and simulation took."""

    remarks: tuple[str, ...]
    """What was left out and why, moved, released early, and which keys were brushed, in words."""

    provenance: dict[str, object]
    """Versions, hash of the model, seed."""

    plan: PlanFigures | None = None
    """Figures of the plan that was followed; None: the controller follows none."""

    rehearsals: tuple[PerformanceMetrics, ...] = ()
    """Metrics of all runs in order, from first sight on; empty without practice."""

    kept_run: int | None = None
    """Index in `rehearsals` of the run that this performance is; None without practice."""

    likeness: Likeness | None = None
    """How alike the motion is to that of the person it follows; None: it follows nobody."""

    recording: Path | None = None
    """HDF5 file with motion and muscles; None: nothing was recorded."""

    files: tuple[Path, ...] = ()
    """Files of the results, with `performance.play`."""

    @property
    def duration_s(self) -> float:
        """Length of the music [s]."""
        return self.score.duration

    @property
    def realtime_factor(self) -> float:
        """Seconds of music for each second of planning and simulation."""
        return self.duration_s / self.wall_s

    def summary(self) -> dict[str, float | int | None]:
        """The headline figures by name."""
        metrics = self.metrics
        return {
            "notes": metrics.num_reference,
            "missed": metrics.missed,
            "extra": metrics.extra,
            "onset_f1_50ms": metrics.onset_f1_50ms,
            "frame_f1_micro": metrics.frame_f1_micro,
            "heard_frame_f1_micro": metrics.heard_frame_f1_micro,
            "velocity_f1": metrics.velocity_f1,
            "onset_error_ms_median": metrics.onset_error_ms_median,
            "velocity_error": metrics.velocity_error,
            "joint_rmse_deg": self.body.joint_rmse_deg,
            "mean_activation": self.body.mean_activation,
            "realtime_factor": self.realtime_factor,
        }

    def __repr__(self) -> str:
        figures = f"onset F1 {self.metrics.onset_f1_50ms:.3f}"
        return f"<Performance of {self.score.title!r} by {self.controller}: {figures}>"

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td>{_shown(value)}</td></tr>"
            for name, value in self.summary().items()
        )
        title = html.escape(f"{self.score.title or 'Untitled'}, played by: {self.controller}")
        return f"<table><caption>{title}</caption>{rows}</table>"


def perform(
    score: Score,
    controller: str | PlayerSettings | Controller = "muscle",
    *,
    record: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    world: World | None = None,
    nerves: Nerves | None = None,
) -> Performance:
    """Plays a score.

    The controller's own scene is what it believes of its body and the keys. Without nerves and
    world it plays there, and knows its body exactly. With them, notes and movements are those of
    the world, and a recording is of what may be looked into: the world, or the belief.

    Args:
        score: any score; hands and fingers are assigned where it has none.
        controller: a name (`performance.options.CONTROLLERS`), `PlayerSettings` for
            everything that goes with it, or a controller that was made for this score.
        record: file to write the recording to while the performance is under way.
        seed: written to the recording; the built-in controllers draw no random numbers.
        progress: called with simulated time and all of it [s].
        world: to play in (`musclehand.world`); it is not closed. None: that of the settings.
        nerves: what the controller reckons with; None: those of the settings. Without a world
            its nerves have these delays, and all else is as the controller believes.

    Raises:
        UnknownName, InvalidValue: no such controller, or a setting is out of range, or the
            controller cannot play in a world.
        SimulationError, WorldError: the simulation became unstable.
        OutputError: the recording cannot be written.
        FileError: the policy cannot be read, or was made for other hands.
        ModelError: the hands are none that can play.
    """
    begin = time.perf_counter()
    if isinstance(controller, str):
        controller = PlayerSettings(controller)
    if isinstance(controller, PlayerSettings):
        nerves = nerves or controller.nerves
    with threadpool_limits(limits=1), interrupts.deferred(), ExitStack() as stack:
        if world is None and isinstance(controller, PlayerSettings) and controller.world:
            world = stack.enter_context(closing(open_world(controller.world)))
        place = None if world is None and nerves is None else Place(world, nerves or Nerves())
        target = keyboard_score(score)
        tape = None if record is None else Tape(Path(record), seed)
        take, rehearsals, kept_run = _take(
            controller, target, tape=tape, progress=progress, place=place
        )
    wall = time.perf_counter() - begin
    return Performance(
        score=take.score,
        played=take.played,
        metrics=take.metrics,
        body=take.body,
        controller=_name(controller),
        wall_s=wall,
        remarks=take.remarks,
        provenance=provenance(take.model, seed),
        plan=take.plan,
        rehearsals=rehearsals,
        kept_run=kept_run,
        likeness=take.likeness,
        recording=None if record is None else Path(record),
    )


def _name(controller: PlayerSettings | Controller) -> str:
    """The controller's name, or its class where it was made by the caller."""
    if isinstance(controller, Controller):
        return type(controller).__name__
    return controller.controller


def _shown(value: float | int | None) -> str:
    """A number for people."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


class Place(NamedTuple):
    """Where a controller plays, if not in its own model."""

    world: World | None
    """The world; None: the controller's scene, behind the delays of its nerves."""

    nerves: Nerves
    """What the controller reckons with."""


class Tape(NamedTuple):
    """Where a run is recorded."""

    path: Path
    """File to write."""

    seed: int
    """That is written to it."""


class Take(NamedTuple):
    """A run through the piece that has been played."""

    score: Score
    """What was asked of the keyboard, with hands and fingers."""

    played: Score
    """The notes that sounded."""

    metrics: PerformanceMetrics
    """The notes that sounded against those asked for."""

    body: BodyMetrics
    """How the hands moved."""

    remarks: tuple[str, ...]
    """What was left out and why, moved, released early, and which keys were brushed, in words."""

    plan: PlanFigures | None
    """Figures of the plan that was followed; None: the controller follows none."""

    model: mujoco.MjModel
    """That was simulated."""

    likeness: Likeness | None = None
    """How alike the motion is to that of the person it follows; None: it follows nobody."""


class Practice(NamedTuple):
    """The run that is kept, and how all runs went where there was practice."""

    take: Take
    """The best run (`Rehearsal.best`)."""

    runs: tuple[PerformanceMetrics, ...] = ()
    """Metrics of all runs, from first sight on; empty without practice."""

    kept: int | None = None
    """Index of the run that is kept; None without practice."""


def _take(
    controller: PlayerSettings | Controller,
    target: Score,
    *,
    tape: Tape | None,
    progress: Progress | None,
    place: Place | None,
) -> Practice:
    """Plays once, or practises as the settings say.

    Args:
        controller: that plays, or how it is made.
        target: what is judged by.
        tape: where the kept run is recorded; None: it is not.
        progress: called with the simulated time of all runs.
        place: where it plays; None: in its own model.
    """
    if isinstance(controller, Controller):
        return Practice(_play(controller, target, tape=tape, progress=progress, place=place))
    if controller.rehearsals:
        player = PlanPlayer(target, controller)
        count = controller.rehearsals
        return practise(player, target, count, tape=tape, progress=progress, place=place)
    made = make_controller(target, controller)
    like = controller.like
    return Practice(_play(made, target, tape=tape, progress=progress, like=like, place=place))


def practise(
    player: PlanPlayer,
    target: Score,
    count: int,
    *,
    tape: Tape | None = None,
    progress: Progress | None = None,
    place: Place | None = None,
) -> Practice:
    """Plays a plan `count` times, learns from each run, and plays once more (`strokes.rehearsal`).

    The best run is kept, whichever it is (`Rehearsal.best`). Its plan gives the same bits again. So
    the last run alone is recorded, and where an earlier one is kept, that is played again for the
    recording. The player is left with the plan of the kept run.

    Args:
        player: whose plan is corrected.
        target: what is judged by.
        count: number of practice runs, 1 or more.
        tape: where the kept run is recorded; None: it is not.
        progress: called with the simulated time of all runs.
        place: where it plays; None: in its own model. Elsewhere, contacts are not seen.
    """
    rehearsal = Rehearsal(player.plan.piano)
    parts = count + 1 if tape is None else count + 2
    takes = []
    plans = []
    for number in range(count + 1):
        plans.append(player.plan)
        plan = player.final_plan
        last = number == count
        log = None if last or place else player.contact_log(plan)
        take = _play(
            player.controller(plan),
            target,
            tape=tape if last else None,
            progress=_part(progress, number, parts),
            contacts=log,
            like=player.like,
            place=place,
        )
        takes.append(take)
        contacts = RunContacts() if log is None else log.contacts()
        outcome = RunOutcome(plan.planned, take.played, plan.corrections, take.metrics, contacts)
        rehearsal.add(outcome)
        if not last:
            player.replan(rehearsal.next_corrections())
    kept = rehearsal.best
    player.plan = plans[kept]
    if kept != count and tape is not None:
        player.replan(rehearsal.runs[kept].corrections)
        again = player.controller(player.final_plan)
        part = _part(progress, count + 1, parts)
        _play(again, target, tape=tape, progress=part, place=place)
    if progress is not None:
        progress(parts * player.plan.end, parts * player.plan.end)
    return Practice(takes[kept], tuple(take.metrics for take in takes), kept)


def _play(
    controller: Controller,
    target: Score,
    *,
    tape: Tape | None = None,
    progress: Progress | None = None,
    contacts: ContactLog | None = None,
    like: Mapping[Side, MotionClip] | None = None,
    place: Place | None = None,
) -> Take:
    """Plays the whole piece, and a little longer than its last note.

    Args:
        controller: that plays; closed at the end.
        target: what is judged by.
        tape: where the run is recorded; None: it is not.
        progress: called with simulated time and all of it [s].
        contacts: log of what fingers touch; None: none is kept.
        like: a person's hands, which the motion is compared with; None: with nobody's.
        place: where it plays; None: in its own model.
    """
    with closing(controller):
        interrupts.check()
        end = controller.lead_in + max(target.duration, controller.score.duration) + TAIL
        run: Run | WorldRun
        if place is None:
            run = Run(controller, end=end, progress=progress, contacts=contacts)
        else:
            nerves = place.nerves
            world = place.world or SimulatedWorld(controller.scene, Nature(nerves.delays))
            run = WorldRun(controller, world, end=end, nerves=nerves, progress=progress)
        keeper = None if like is None else MotionKeeper(controller)
        played = run.play(keeper) if tape is None else _play_onto(tape, run, target, keeper)
        metrics = score_performance(target, played)
        return Take(
            score=controller.score,
            played=played,
            metrics=metrics,
            body=run.body_metrics(),
            remarks=performance_remarks(controller, target, played, metrics),
            plan=None if controller.plan is None else PlanFigures.of(controller.plan),
            model=controller.scene.model,
            likeness=None
            if like is None or keeper is None
            else likeness(like, keeper.clips(controller.score)),
        )


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """The progress of one run of several."""
    if progress is None:
        return None
    return lambda done, end: progress(done + number * end, count * end)


def _play_onto(
    tape: Tape, run: Run | WorldRun, target: Score, keeper: MotionKeeper | None = None
) -> Score:
    """Plays with everything recorded; returns the notes that sounded.

    Args:
        tape: where the run is recorded.
        run: that is played.
        target: what is judged by.
        keeper: keeps the motion in memory as well.
    """
    writer = open_recording(tape.path, run.player, target, tape.seed)
    try:
        played = run.play(writer if keeper is None else keeper.before(writer))
        writer.extend_table("played", note_table(played))
    except BaseException:
        with interrupts.shielded():
            writer.abandon()
        raise
    with interrupts.shielded():
        writer.close()
    return played
