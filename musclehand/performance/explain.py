"""Why a performance lost its notes: `musclehand explain` as a function.

    explanation = explain("performances/song_muscle")
    explanation.rows, explanation.files

The plan is made again from what the folder says was asked for, and rigid hands and ideal torques
play it. What the player itself did is read from its recording.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from musclehand.core import interrupts
from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.progress import Progress
from musclehand.core.recording import Recording
from musclehand.core.recording_reader import RECORDING, RecordingError
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Hand, Note, Score, keyboard_score
from musclehand.music.sources import load_score
from musclehand.performance.causes import LostNote, causes_csv, find_causes
from musclehand.performance.explain_page import Picture, explain_page
from musclehand.performance.options import FOLLOW_PLANS, PlayOptions
from musclehand.performance.perform import practise
from musclehand.performance.players import PlanPlayer
from musclehand.performance.record import note_table
from musclehand.performance.report import CAUSES, EXPLANATION, LOST_PICTURE, METRICS
from musclehand.performance.settings import settings_of
from musclehand.performance.stages import RIGID, TORQUE, HandsOnKeys, Track, play_stages
from musclehand.planning.plan import PerformancePlan

SAME_ANGLE = 1e-3
"""[rad] by which the reference made again may differ from the recorded one: recordings have single
precision."""

MOST_PICTURES = 100
"""Most pictures on one page."""

Stage = Callable[[str], AbstractContextManager[Progress | None]]
"""Called with the name of a stage ("plan", "stages", "pictures"), gives the progress of it."""


@dataclass(frozen=True)
class Explanation:
    """What was lost, and the files that show it."""

    rows: tuple[LostNote, ...]
    """All lost notes, by time."""

    tracks: Mapping[str, Track]
    """What rigid hands, ideal torques and the player did, by name."""

    plan: PerformancePlan
    """That all of them followed."""

    player: str
    """Name of the player."""

    files: tuple[Path, ...]
    """The page, the table and the pictures."""


def explain(
    folder: str | PathLike[str],
    *,
    score: str | PathLike[str] | None = None,
    pictures: int = 6,
    stage: Stage = lambda _: nullcontext(None),
) -> Explanation:
    """Finds out where and why a performance lost its notes, and writes that to its folder.

    Args:
        folder: of the results of `musclehand play`, by a player that follows a plan.
        score: file of the score, where it is no longer where it was.
        pictures: most pictures, 0 to `MOST_PICTURES`: of missed notes, then of extra ones.
        stage: gives the progress of each stage.

    Raises:
        InvalidValue: the player follows no plan, or the number of pictures is out of range.
        FileError: the folder has no complete results, or the score cannot be read.
        RecordingError: the recording is damaged, or its plan cannot be made again.
        OutputError: OpenGL is missing, or a file cannot be written.
    """
    if not 0 <= pictures <= MOST_PICTURES:
        raise InvalidValue("pictures", pictures, f"0 to {MOST_PICTURES}")
    folder = Path(folder)
    metrics = _read_metrics(folder / METRICS)
    with Recording.open(folder / RECORDING) as recording, threadpool_limits(limits=1):
        with interrupts.deferred():
            player = str(metrics["controller"])
            with stage("plan") as progress:
                maker, plan = _plan_again(metrics, folder, score, progress)
            _check_score(recording, plan)
            with stage("stages") as progress:
                names = tuple(name for name in (RIGID, TORQUE) if name != player) or (RIGID,)
                tracks = play_stages(plan, maker.scene, names=names, progress=progress)
            if RIGID in tracks:
                _check_reference(recording, tracks[RIGID], maker)
            tracks[player] = _recorded(recording, tracks.get(RIGID))
            rows = find_causes(plan, HandsOnKeys(maker.scene), tracks, player)
        with stage("pictures") as progress:
            shown = _draw(recording, rows, tracks[RIGID], pictures, folder, progress)
    write_file(folder / CAUSES, causes_csv(rows))
    page = explain_page(plan, tracks, player, rows, shown)
    write_file(folder / EXPLANATION, page)
    files = (folder / EXPLANATION, folder / CAUSES, *(picture.path for picture in shown))
    return Explanation(tuple(rows), tracks, plan, player, files)


def _read_metrics(path: Path) -> dict[str, Any]:
    """What was asked for and what came out.

    Raises:
        FileError: there are no such results, or they were not made by `musclehand play`.
        InvalidValue: the player follows no plan.
    """
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(path, "is not there; give a folder that `musclehand play` filled") from None
    except (OSError, ValueError) as error:
        raise FileError(path, f"cannot be read: {error}") from None
    missing = [name for name in ("score", "clip", "tempo", "controller") if name not in metrics]
    if missing:
        raise FileError(path, f"does not say {missing[0]}; play the score again")
    if metrics["controller"] not in FOLLOW_PLANS:
        legal = f"one that follows a plan: {', '.join(FOLLOW_PLANS)}"
        raise InvalidValue("controller", metrics["controller"], legal)
    return dict(metrics)


def _plan_again(
    metrics: Mapping[str, Any],
    folder: Path,
    score: str | PathLike[str] | None,
    progress: Progress | None,
) -> tuple[PlanPlayer, PerformancePlan]:
    """The player of a folder and the plan that it followed.

    Args:
        metrics: of the folder.
        folder: for messages.
        score: where the score is now; None: where it was.
        progress: of the rehearsals, if there were any.
    """
    clip = metrics["clip"]
    try:
        music = load_score(
            str(metrics["score"] if score is None else score),
            clip=None if clip is None else (float(clip[0]), float(clip[1])),
            tempo=float(metrics["tempo"]),
        )
    except FileError as error:
        if score is not None:
            raise
        raise FileError(folder, f"its score is gone ({error}); say where it is now") from None
    fields = PlayOptions.__dataclass_fields__
    options = PlayOptions(**{name: metrics[name] for name in fields if name in metrics})
    target = keyboard_score(music)
    maker = PlanPlayer(target, settings_of(options))
    if options.rehearsals:
        practise(maker, target, options.rehearsals, progress=progress)
    return maker, maker.final_plan


def _check_score(recording: Recording, plan: PerformancePlan) -> None:
    """Raises `RecordingError` where the plan is for other notes than the recorded one."""
    recorded = recording.table("score").values
    planned = note_table(plan.score)
    if recorded.shape != planned.shape or not np.allclose(recorded, planned):
        raise RecordingError(
            recording.path,
            "was played from another score or by another release: its notes or fingers are not "
            "those of the plan that is made now; play it again",
        )


def _check_reference(recording: Recording, rigid: Track, maker: PlanPlayer) -> None:
    """Raises `RecordingError` where the reference motion is not the recorded one."""
    columns = np.concatenate([hand.qpos for hand in maker.scene.hands.values()])
    recorded = np.asarray(recording["reference"][:])
    count = min(len(recorded), len(rigid.qpos))
    difference = np.abs(recorded[:count] - rigid.qpos[:count][:, columns])
    if difference.size and not float(np.nanmax(difference)) < SAME_ANGLE:
        raise RecordingError(
            recording.path,
            f"has another reference motion than the plan that is made now (by "
            f"{np.degrees(np.nanmax(difference)):.1f} degrees); play it again with this release",
        )


def _recorded(recording: Recording, rigid: Track | None) -> Track:
    """What the player did. Its targets are the plan's, and so those of the rigid hands."""
    notes = []
    table = recording.table("played")
    for onset, offset, pitch, velocity, hand, finger in table.values.tolist():
        notes.append(
            Note(
                onset,
                int(pitch),
                offset,
                int(velocity),
                None if hand < 0 else Hand(int(hand)),
                None if finger < 1 else int(finger),  # type: ignore[arg-type]
            )
        )
    return Track(
        np.asarray(recording["time"][:], dtype=float),
        np.asarray(recording["qpos"][:]),
        Score(tuple(notes)),
        None if rigid is None else rigid.targets,
    )


def _draw(
    recording: Recording,
    rows: Sequence[LostNote],
    rigid: Track,
    count: int,
    folder: Path,
    progress: Progress | None,
) -> list[Picture]:
    """Writes pictures of the first missed notes, then of extra ones; those of an earlier
    explanation go first.

    Args:
        recording: open.
        rows: lost notes, by time.
        rigid: what the reference does.
        count: most pictures.
        folder: of the results.
        progress: called with pictures drawn and all of them.
    """
    for path in folder.glob(LOST_PICTURE.format("*")):
        path.unlink()
    chosen = [row for kind in ("missed", "extra") for row in rows if row.kind == kind][:count]
    if not chosen:
        return []
    from musclehand.sim.render.moment import Moment, draw_moments

    moments = [Moment(row.time, row.pitch, rigid.qpos[rigid.row(row.time)]) for row in chosen]
    paths = [folder / LOST_PICTURE.format(number) for number in range(1, len(chosen) + 1)]
    paths[0].parent.mkdir(exist_ok=True)
    pictures = []
    for row, path in zip(chosen, draw_moments(recording, moments, paths), strict=True):
        interrupts.check()
        pictures.append(Picture(path, row, f"{pitch_name(row.pitch)} at {row.time:.2f} s"))
        if progress is not None:
            progress(float(len(pictures)), float(len(chosen)))
    return pictures
