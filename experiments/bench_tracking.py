"""How well hand models follow the same motions through the same muscle control: tables, figure,
time per step.

    python experiments/bench_tracking.py
    python experiments/bench_tracking.py --minutes 1 --music music_hand.xml --out runs/try

Compared are this package's right hand, MyoHand of the installed myo-sim as it is shipped, the same
with its muscles' length ranges set to what their paths really cover, and any MJCF given by
`--music` and `--against`. Motions stay within the range of motion that all of them share. One hand
at a time, elbow fixed, no gravity, no contacts. What has been followed already, by the same model
through the same motion, is not computed again.
"""

from __future__ import annotations

import copy
import hashlib
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
import tyro
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from threadpoolctl import threadpool_limits

from musclehand.body.analysis.behaviour import step_time_ratio
from musclehand.body.anatomy import Side, coupled_joint
from musclehand.body.build.hand import load_hand
from musclehand.body.build.hand_file import HandFile
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import place, sample_postures
from musclehand.control.tracking import TrackingResult, track
from musclehand.core.atomic import temporary_path
from musclehand.core.errors import MusclehandError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.motion.reference import SHARES, ReferenceMotion, common_limits, reference_motions
from musclehand.validate.specimen import open_specimens
from readme_table import README, put_table

FIGURE = "docs/tracking.png"
MARK = "tracking table"
OURS = "musclehand"
MYOHAND = "MyoHand 0.2.3"
REPAIRED = "MyoHand, length ranges repaired"
MUSIC = "MUSIC-Hand"

Hand = tuple[mujoco.MjModel, HandIndex]


@dataclass(frozen=True)
class Args:
    """What to follow, and who is asked to."""

    minutes: float = 5.0
    """of motion in all"""
    against: tuple[Path, ...] = ()
    """further hand models (MJCF), with fingers as in MyoSim's frame"""
    music: Path | None = None
    """MUSIC-Hand's MJCF, where you have it"""
    seed: int = 0
    """of the motions"""
    out: Path = Path("runs/bench_tracking")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    readme: bool = False
    """put tables and figure into the README"""


def main(args: Args) -> None:
    """Has every model follow every motion; prints and writes the tables."""
    hands = open_hands(args)
    limits = common_limits(list(hands.values()))
    motions = reference_motions(limits, seconds=60.0 * args.minutes, seed=args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    ratios = {
        name: step_time_ratio(hands[OURS], hand) for name, hand in hands.items() if name != OURS
    }
    results = follow_all(hands, motions, args)
    tables = render(results, motions, ratios)
    print(tables)
    (args.out / "tables.md").write_text(tables + "\n")
    draw(results, motions, args.out / "tracking.png")
    if args.readme:
        draw(results, motions, README.parent / FIGURE)
        picture = f"![Errors by kind of motion]({FIGURE})"
        put_table(MARK, f"{tables}\n\n{picture}")


def open_hands(args: Args) -> dict[str, Hand]:
    """The right hands to compare, each alone with its elbow fixed, ours first."""
    ours = load_hand(Side.RIGHT)
    hands = {OURS: (ours, HandIndex.from_model(ours, Side.RIGHT)), MYOHAND: lone_hand("myohand")}
    hands[REPAIRED] = repaired(hands[MYOHAND])
    if args.music is not None:
        hands[MUSIC] = lone_hand(str(args.music))
    return hands | {path.stem: lone_hand(str(path)) for path in args.against}


def lone_hand(source: str) -> Hand:
    """The right hand of a model, its elbow fixed."""
    specimen = open_specimens(source, side="right")[0]
    with silence_mujoco():
        assert specimen.spec is not None
        spec = HandFile(source, specimen.spec, specimen.naming).hand_spec(Side.RIGHT)
        model = spec.compile()
    return model, HandIndex.from_model(model, Side.RIGHT, specimen.naming)


def repaired(hand: Hand) -> Hand:
    """The same hand, each muscle's length range that of its path over the range of motion
    (MyoHand: 12 are stale)."""
    model = copy.copy(hand[0])
    index = hand[1]
    data = mujoco.MjData(model)
    lengths = []
    for posture in sample_postures(index, index.limits(model), 1000, np.random.default_rng(0)):
        place(model, data, index, posture)
        lengths.append(data.actuator_length[index.muscles].copy())
    model.actuator_lengthrange[index.muscles, 0] = np.min(lengths, axis=0)
    model.actuator_lengthrange[index.muscles, 1] = np.max(lengths, axis=0)
    return model, index


def follow_all(
    hands: dict[str, Hand], motions: tuple[ReferenceMotion, ...], args: Args
) -> dict[str, list[TrackingResult]]:
    """Every model through every motion, in the order of the motions; done ones are read back."""
    results: dict[tuple[str, str], TrackingResult] = {}
    files = {
        (name, motion.name): args.out
        / f"{name.replace(' ', '_').replace(',', '')}-{motion.name}.npz"
        for name in hands
        for motion in motions
    }
    marks = {name: fingerprint(model) for name, (model, _) in hands.items()}
    columns = (
        *(
            TextColumn("following"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        ),
        TextColumn("{task.description}"),
    )
    with (
        Progress(*columns) as progress,
        ProcessPoolExecutor(args.workers, initializer=start_worker, initargs=(hands,)) as pool,
    ):
        task = progress.add_task("", total=len(files))
        jobs = {}
        seconds = 0.0
        for motion in motions:
            for name in hands:
                key = (name, motion.name)
                mark = marks[name] + fingerprint(motion.angles, motion.speeds)
                done = read_result(files[key], mark)
                if done is not None:
                    results[key] = done
                    progress.advance(task)
                else:
                    jobs[pool.submit(follow, name, motion, files[key], mark)] = key, motion.duration
        for job in as_completed(jobs):
            key, duration = jobs[job]
            results[key], seconds = job.result(), seconds + duration
            rate = seconds / max(progress.tasks[task].elapsed or 0.0, 1e-3)
            progress.update(
                task, advance=1, description=f"{rate:.1f} x real time, {key[0]} {key[1]}"
            )
    return {name: [results[name, motion.name] for motion in motions] for name in hands}


WORKER_HANDS: dict[str, Hand] = {}
"""The hands of a worker process."""


def start_worker(hands: dict[str, Hand]) -> None:
    """Keeps the hands in this process, and the matrix library to one thread."""
    WORKER_HANDS.update(hands)
    threadpool_limits(1)


def follow(name: str, motion: ReferenceMotion, path: Path, mark: str) -> TrackingResult:
    """One model through one motion, kept in a file."""
    model, hand = WORKER_HANDS[name]
    result = track(model, hand, motion.angles, motion.speeds, dt=motion.dt)
    arrays = {
        field: getattr(result, field)
        for field in ("time", "reference", "angles", "tip_errors", "activation")
    }
    with temporary_path(path) as part:
        np.savez(part, mark=mark, failure=result.failure or "", joints=result.joints, **arrays)
    return result


def read_result(path: Path, mark: str) -> TrackingResult | None:
    """What is in the file, if it is of this model and motion."""
    if not path.exists():
        return None
    with np.load(path) as file:
        if str(file["mark"]) != mark:
            return None
        failure = str(file["failure"]) or None
        joints = tuple(str(joint) for joint in file["joints"])
        fields = ("time", "reference", "angles", "tip_errors", "activation")
        return TrackingResult(failure, joints, *(file[field] for field in fields))


def fingerprint(*parts: mujoco.MjModel | np.ndarray) -> str:
    """A short hash of models and arrays."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, mujoco.MjModel):
            content = np.empty(mujoco.mj_sizeModel(part), np.uint8)
            mujoco.mj_saveModel(part, None, content)
            part = content
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


class Summary:
    """Errors of one model over several motions; every moment counts the same."""

    def __init__(self, results: list[TrackingResult]) -> None:
        squares = np.vstack([np.square(result.angles - result.reference) for result in results])
        free = [i for i, joint in enumerate(results[0].joints) if coupled_joint(joint) is None]
        tips = 1e3 * np.concatenate([result.tip_errors.ravel() for result in results])
        self.failures = sum(result.failure is not None for result in results)
        if not len(tips):
            squares = np.full((1, squares.shape[1]), np.nan)
            tips = np.array([np.nan])
        self.joints_deg = np.rad2deg(np.sqrt(squares.mean()))
        self.free_deg = np.rad2deg(np.sqrt(squares[:, free].mean()))
        self.tips_mm = tips.mean()
        self.median_mm, self.p95_mm = np.percentile(tips, [50, 95])
        activation = np.concatenate([result.activation for result in results])
        self.activation = activation.mean() if len(activation) else np.nan


def summaries(
    results: dict[str, list[TrackingResult]], motions: tuple[ReferenceMotion, ...]
) -> dict[str, dict[str, Summary]]:
    """By model, then by kind of motion."""
    return {
        name: {
            kind: Summary(
                [result for result, motion in zip(own, motions, strict=True) if motion.kind == kind]
            )
            for kind in SHARES
        }
        for name, own in results.items()
    }


def render(
    results: dict[str, list[TrackingResult]],
    motions: tuple[ReferenceMotion, ...],
    ratios: dict[str, float],
) -> str:
    """Two tables in Markdown, of all motions and by kind, and what was asked for."""
    seconds = sum(motion.duration for motion in motions)
    overall = {name: Summary(own) for name, own in results.items()}
    columns = (
        *("hand", "joints RMSE deg", "without last joints", "fingertips mm mean", "median", "p95"),
        *("activation", "failed motions", "our step time over its"),
    )
    lines = [
        f"{len(motions)} motions, {seconds:.0f} s, within the range of motion that these hands share:",
        "",
    ]
    lines += header(columns)
    for name, all_of in overall.items():
        ratio = f"{ratios[name]:.2f}" if name in ratios else ""
        lines.append(
            f"| {name} | {all_of.joints_deg:.2f} | {all_of.free_deg:.2f} | {all_of.tips_mm:.2f} "
            f"| {all_of.median_mm:.2f} | {all_of.p95_mm:.2f} | {all_of.activation:.3f} "
            f"| {all_of.failures} of {len(motions)} | {ratio} |"
        )
    lines += [
        "",
        "By kind of motion, joints RMSE [deg]; fingertips median, p95 [mm]; activation:",
        "",
    ]
    lines += header(("motion", *results))
    by_kind = summaries(results, motions)
    for kind in SHARES:
        cells = [
            f"{one.joints_deg:.1f}; {one.median_mm:.1f}, {one.p95_mm:.1f}; {one.activation:.3f}"
            for one in (by_kind[name][kind] for name in results)
        ]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *asked_for(overall, ratios)])


def header(columns: tuple[str, ...]) -> list[str]:
    """The first two lines of a Markdown table."""
    return ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]


def asked_for(overall: dict[str, Summary], ratios: dict[str, float]) -> list[str]:
    """What this hand has to show beside the others, each with its verdict."""
    ours = overall[OURS]
    myohand = overall[MYOHAND]
    asked = [
        ("joint error over MyoHand's, at most 0.25", ours.joints_deg / myohand.joints_deg, 0.25),
        ("fingertip error over MyoHand's, at most 0.5", ours.tips_mm / myohand.tips_mm, 0.5),
        ("time of a step over MyoHand's, at most 1.3", ratios[MYOHAND], 1.3),
    ]
    if MUSIC in overall:
        asked.append(
            (
                "fingertip error over MUSIC-Hand's, below 1",
                ours.tips_mm / overall[MUSIC].tips_mm,
                1.0,
            )
        )
    asked.append(("motions of ours that failed, 0", ours.failures, 0.0))
    return [
        f"- {what}: {value:.2f}, {'yes' if value <= most else 'NO'}" for what, value, most in asked
    ]


def draw(
    results: dict[str, list[TrackingResult]], motions: tuple[ReferenceMotion, ...], path: Path
) -> None:
    """Bars of joint and fingertip error by kind of motion and model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    places = np.arange(len(SHARES))
    width = 0.8 / len(results)
    for i, (name, kinds) in enumerate(summaries(results, motions).items()):
        shift = (i - (len(results) - 1) / 2) * width
        axes[0].bar(places + shift, [kinds[kind].joints_deg for kind in SHARES], width, label=name)
        axes[1].bar(places + shift, [kinds[kind].tips_mm for kind in SHARES], width)
    for axis, title in zip(
        axes, ("joint angles, RMSE [deg]", "fingertips, mean error [mm]"), strict=True
    ):
        axis.set_xticks(places, list(SHARES))
        axis.set_title(title)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside lower center", ncols=len(results))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(f"error: {error}") from error
