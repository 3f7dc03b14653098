"""Hand models that follow the same motions through the same muscle control.

    python experiments/bench_tracking.py
    python experiments/bench_tracking.py --minutes 1 --music music_hand.xml --out runs/try

Compared are the right hand of this package, MyoHand of the installed myo-sim as it is distributed,
the same with its muscles' length ranges set to what their paths cover, and any MJCF given by
`--music` and `--against`. Motions stay within the range of motion that all hands share. One hand at
a time, elbow fixed, no gravity, no contacts. Results of the same model and motion are read back.
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
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from threadpoolctl import threadpool_limits

from harness.results_page import markdown_table, write_figure, write_results_page
from harness.script import command_of, run_script
from musclehand.body.analysis.behaviour import step_time_ratio
from musclehand.body.anatomy import Side, coupled_joint
from musclehand.body.build.hand import load_hand
from musclehand.body.build.hand_file import HandFile
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import place, sample_postures
from musclehand.control.tracking import TrackingResult, track
from musclehand.core.atomic import temporary_path, write_file
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.motion.reference import SHARES, ReferenceMotion, common_limits, reference_motions
from musclehand.validation.specimen import open_specimens

TITLE = "Hand models through the same motions"

PROSE = """\
The same generated motions (playing, taps, wrist circles, grasps, postures) tracked by the same
computed muscle control. One hand at a time, elbow fixed, without gravity or contacts."""

FIGURE = "![Errors by kind of motion](../tracking.png)"

OURS = "musclehand"
MYOHAND = "MyoHand 0.2.3"
REPAIRED = "MyoHand, length ranges repaired"
MUSIC = "MUSIC-Hand"

Hand = tuple[mujoco.MjModel, HandIndex]


@dataclass(frozen=True)
class Args:
    """What to follow, and with which hands."""

    minutes: float = 5.0
    """Length of all motions together."""

    against: tuple[Path, ...] = ()
    """Further hand models (MJCF), with fingers as in MyoSim's frame."""

    music: Path | None = None
    """MJCF of MUSIC-Hand, where you have it."""

    seed: int = 0
    """Of the motions."""

    out: Path = Path("runs/bench_tracking")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page and its picture."""


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
    write_file(args.out / "tables.md", tables + "\n")
    picture = args.out / "tracking.png"
    draw(results, motions, picture)
    if args.results:
        write_figure(picture, "tracking.png")
        body = f"{PROSE}\n\n{tables}\n\n{FIGURE}"
        write_results_page("tracking", TITLE, command_of(__file__, args), body)


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
    """Every model through every motion, by model and in the order of the motions; results on file
    are read back.

    Args:
        hands: models by name.
        motions: to follow.
        args: of the experiment.
    """
    results: dict[tuple[str, str], TrackingResult] = {}
    files = {
        (name, motion.name): args.out
        / f"{name.replace(' ', '_').replace(',', '')}-{motion.name}.npz"
        for name in hands
        for motion in motions
    }
    marks = {name: fingerprint(model) for name, (model, _) in hands.items()}
    columns = (
        TextColumn("following"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
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
                kept = read_result(files[key], mark)
                if kept is not None:
                    results[key] = kept
                    progress.advance(task)
                else:
                    jobs[pool.submit(follow, name, motion, files[key], mark)] = key, motion.duration
        for job in as_completed(jobs):
            key, duration = jobs[job]
            results[key] = job.result()
            seconds += duration
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
    """One model through one motion, kept in a file.

    Args:
        name: of the model.
        motion: to follow.
        path: of the file.
        mark: what the result depends on, written to the file.
    """
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
    """Tables of all motions, by kind of motion, and of the criteria, in Markdown.

    Args:
        results: by model, in the order of the motions.
        motions: that were followed.
        ratios: time of a simulation step of our hand over that of each other model.
    """
    seconds = sum(motion.duration for motion in motions)
    overall = {name: Summary(own) for name, own in results.items()}
    head = (
        "hand",
        "joints RMSE deg",
        "without last joints",
        "fingertips mm mean",
        "median",
        "p95",
        "activation",
        "failed motions",
        "our step time over its",
    )
    rows = [
        [
            name,
            f"{summary.joints_deg:.2f}",
            f"{summary.free_deg:.2f}",
            f"{summary.tips_mm:.2f}",
            f"{summary.median_mm:.2f}",
            f"{summary.p95_mm:.2f}",
            f"{summary.activation:.3f}",
            f"{summary.failures} of {len(motions)}",
            f"{ratios[name]:.2f}" if name in ratios else "",
        ]
        for name, summary in overall.items()
    ]
    return "\n\n".join(
        [
            f"{len(motions)} motions, {seconds:.0f} s, within the range of motion that all "
            f"{len(results)} hands share:",
            markdown_table(head, rows),
            "By kind of motion, joints RMSE [deg]; fingertips median, p95 [mm]; activation:",
            kind_table(results, motions),
            criteria(overall, ratios),
        ]
    )


def kind_table(
    results: dict[str, list[TrackingResult]], motions: tuple[ReferenceMotion, ...]
) -> str:
    """Errors by kind of motion, a column for each model."""
    by_kind = summaries(results, motions)
    rows = []
    for kind in SHARES:
        row = [kind]
        for name in results:
            summary = by_kind[name][kind]
            tips = f"{summary.median_mm:.1f}, {summary.p95_mm:.1f}"
            row.append(f"{summary.joints_deg:.1f}; {tips}; {summary.activation:.3f}")
        rows.append(row)
    return markdown_table(["motion", *results], rows)


def criteria(overall: dict[str, Summary], ratios: dict[str, float]) -> str:
    """What this hand has to show beside the others, and whether it does."""
    ours = overall[OURS]
    myohand = overall[MYOHAND]
    rows = [
        criterion("joint error, ratio to MyoHand's", ours.joints_deg / myohand.joints_deg, 0.25),
        criterion("fingertip error, ratio to MyoHand's", ours.tips_mm / myohand.tips_mm, 0.5),
        criterion("step time, ratio to MyoHand's", ratios[MYOHAND], 1.3),
    ]
    if MUSIC in overall:
        ratio = ours.tips_mm / overall[MUSIC].tips_mm
        rows.append(
            [
                "fingertip error, ratio to MUSIC-Hand's",
                "below 1",
                f"{ratio:.2f}",
                "yes" if ratio < 1.0 else "**no**",
            ]
        )
    failures = ours.failures
    met = "**no**" if failures else "yes"
    rows.append([f"failed motions of {OURS}", "0", str(failures), met])
    return markdown_table(["criterion", "limit", "measured", "met"], rows)


def criterion(name: str, value: float, limit: float) -> list[str]:
    """A row of `criteria` for a value with an upper limit.

    Args:
        name: of the criterion.
        value: measured.
        limit: upper limit.
    """
    return [name, f"at most {limit:g}", f"{value:.2f}", "yes" if value <= limit else "**no**"]


def draw(
    results: dict[str, list[TrackingResult]], motions: tuple[ReferenceMotion, ...], path: Path
) -> None:
    """Bars of joint and fingertip error by kind of motion and model.

    Args:
        results: of each model.
        motions: in the order of the results.
        path: of the picture.
    """
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
    run_script(main, Args, __doc__)
