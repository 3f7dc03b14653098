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
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from threadpoolctl import threadpool_limits

from musclehand.controllers.controller import Controller
from musclehand.controllers.run import BodyMetrics, Run
from musclehand.controllers.run import SimulationError as SimulationError
from musclehand.core import interrupts
from musclehand.core.progress import Progress
from musclehand.music.metrics import PerformanceMetrics, score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.plan_figures import PlanFigures
from musclehand.performance.players import PlanPlayer, make_controller
from musclehand.performance.record import note_table, open_recording, provenance
from musclehand.performance.remarks import performance_remarks
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.plan import TAIL
from musclehand.planning.strokes.rehearsal import rehearse


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
    """Metrics of the runs before."""

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
) -> Performance:
    """Plays a score.

    Args:
        score: any score; hands and fingers are assigned where it has none.
        controller: a name (`performance.options.CONTROLLERS`), `PlayerSettings` for
            everything that goes with it, or a controller that was made for this score.
        record: file to write the recording to while the performance is under way.
        seed: written to the recording; the built-in controllers draw no random numbers.
        progress: called with simulated time and all of it [s].

    Raises:
        UnknownName, InvalidValue: no such controller, or a setting is out of range.
        SimulationError: the simulation became unstable.
        OutputError: the recording cannot be written.
        FileError: the policy cannot be read, or was made for other hands.
        ModelError: the hands are none that can play.
    """
    begin = time.perf_counter()
    if isinstance(controller, str):
        controller = PlayerSettings(controller)
    with threadpool_limits(limits=1), interrupts.deferred():
        target = keyboard_score(score)
        rehearsed: tuple[PerformanceMetrics, ...] = ()
        if isinstance(controller, Controller):
            player = controller
            name = type(controller).__name__
        else:
            name = controller.controller
            player, rehearsed = _prepare(target, controller, progress)
        runs = len(rehearsed)
        with closing(player):
            run = _run(player, target, _part(progress, runs, runs + 1))
            played = run.play() if record is None else _play_into(record, run, target, seed)
    wall = time.perf_counter() - begin
    metrics = score_performance(target, played)
    return Performance(
        score=player.score,
        played=played,
        metrics=metrics,
        body=run.body_metrics(),
        controller=name,
        wall_s=wall,
        remarks=performance_remarks(player, target, played, metrics),
        provenance=provenance(player.scene.model, seed),
        plan=None if player.plan is None else PlanFigures.of(player.plan),
        rehearsals=rehearsed,
        recording=None if record is None else Path(record),
    )


def _shown(value: float | int | None) -> str:
    """A number for people."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _prepare(
    target: Score, settings: PlayerSettings, progress: Progress | None
) -> tuple[Controller, tuple[PerformanceMetrics, ...]]:
    """A controller that has rehearsed, and the metrics of its rehearsals."""
    if not settings.rehearsals:
        return make_controller(target, settings), ()
    player = PlanPlayer(target, settings)
    metrics = practise(player, target, settings.rehearsals, progress)
    return player.controller(player.final_plan), metrics


def practise(
    player: PlanPlayer, target: Score, count: int, progress: Progress | None
) -> tuple[PerformanceMetrics, ...]:
    """Plays the plan `count` times and corrects it after each run (`strokes.rehearsal`).

    Args:
        player: whose plan is corrected.
        target: what is judged by.
        count: number of runs.
        progress: called with the simulated time of all runs, the performance after them included.

    Returns:
        The metrics of each run.
    """
    metrics = []
    for number in range(count):
        with closing(player.controller(player.plan)) as controller:
            played = _run(controller, target, _part(progress, number, count + 1)).play()
        metrics.append(score_performance(target, played))
        player.replan(rehearse(player.plan.planned, played, player.plan.corrections))
    return tuple(metrics)


def _run(controller: Controller, target: Score, progress: Progress | None) -> Run:
    """A run through the whole piece, a little longer than its last note."""
    interrupts.check()
    end = controller.lead_in + max(target.duration, controller.score.duration) + TAIL
    return Run(controller, end=end, progress=progress)


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """The progress of one run of several."""
    if progress is None or count == 1:
        return progress
    return lambda done, end: progress(done + number * end, count * end)


def _play_into(path: str | PathLike[str], run: Run, target: Score, seed: int) -> Score:
    """Plays with everything recorded; returns the notes that sounded."""
    writer = open_recording(path, run.player, target, seed)
    try:
        played = run.play(writer)
        writer.extend_table("played", note_table(played))
    except BaseException:
        with interrupts.shielded():
            writer.abandon()
        raise
    with interrupts.shielded():
        writer.close()
    return played
