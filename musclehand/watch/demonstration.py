"""A film of a pianist becomes a demonstration: notes, fingers and motion in one folder.

    demonstration = watch("film.mp4", out="elise")
    demonstration.score, demonstration.clips, demonstration.view

The work goes through stages (`watch.stages`) in a folder beside `out`, named as `out` with
`.watching` behind. When all are finished, it takes the place of `out`. A run that was stopped at
any moment continues there and ends with the same files. A file that cannot be used leaves nothing;
a later contradiction, such as notes of another piece, leaves the finished stages for the next try.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from musclehand.body.anatomy import Side
from musclehand.core import interrupts
from musclehand.core.errors import FileError, MusclehandError, OutputError
from musclehand.core.progress import Progress
from musclehand.motion.clip import MotionClip, read_clips
from musclehand.music.formats.reading import read_score
from musclehand.music.score import Score
from musclehand.watch.inputs import WatchInputs
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.landmarks_file import read_landmarks
from musclehand.watch.stages import STAGES_FILE, Stages
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_file import read_view
from musclehand.watch.watching import FILES, PIECES, Watching

Stage = Callable[[str], AbstractContextManager[Progress | None]]
"""Called with the name of a stage (`watching.STAGE_NAMES`), gives the progress of it."""

WORKING = ".watching"
"""What the name of the working folder ends in."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What a film of a pianist shows."""

    folder: Path
    """Folder of the files."""

    score: Score = field(repr=False)
    """Notes with hands and fingers. Times count from the start of the film or its clip."""

    clips: Mapping[Side, MotionClip] = field(repr=False)
    """Motion of the hands, in the time of the score; a hand that was never in view is missing."""

    view: KeyboardView = field(repr=False)
    """Camera of the film."""

    landmarks: HandLandmarks = field(repr=False)
    """Hands in the picture."""

    figures: Mapping[str, Any]
    """How well film, notes and hands agree, as in `watch.json`."""


def watch(
    film: str | PathLike[str] | WatchInputs,
    *,
    out: str | PathLike[str],
    midi: str | PathLike[str] | None = None,
    force: bool = False,
    stage: Stage = lambda _: nullcontext(None),
) -> Demonstration:
    """Learns notes, fingers and motion from a film, and writes them to a folder.

    Args:
        film: film of a keyboard from above; or inputs with all their options.
        out: folder for the results.
        midi: score file of the notes; None: they are heard in the sound of the film.
        force: replace a folder of results that is there.
        stage: gives the progress of each stage.

    Raises:
        FileError: a file cannot be used: not a film, no keyboard or hands in it, notes of another
            piece. One line says what is wrong.
        InvalidValue: inputs contradict each other.
        MusclehandError: an optional package is missing.
        OutputError: the folder is there already, or cannot be written.
    """
    if not isinstance(film, WatchInputs):
        film = WatchInputs(Path(film), midi=None if midi is None else Path(midi))
    folder = Path(out)
    _check_folder(folder, force)
    watching = Watching.open(film)
    working = folder.with_name(folder.name + WORKING)
    resumed = working.is_dir()
    try:
        working.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(working, error.strerror or str(error)) from error
    stages = Stages(working)
    try:
        with interrupts.deferred():
            watching.run(stages, stage)
    except MusclehandError:
        if not resumed and not stages.has_finished("hands"):
            shutil.rmtree(working, ignore_errors=True)
        raise
    _finish(working, folder)
    return open_demonstration(folder)


def open_demonstration(folder: str | PathLike[str]) -> Demonstration:
    """Opens a folder that `watch` wrote.

    Raises:
        FileError: a file is missing or damaged.
    """
    folder = Path(folder)
    path = folder / FILES["figures"]
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(path, "is not there; give a folder that `musclehand watch` wrote") from None
    except (OSError, ValueError) as error:
        raise FileError(path, f"cannot be read: {error}") from None
    clips = {clip.side: clip for clip in read_clips(folder / FILES["motion"])}
    return Demonstration(
        folder=folder,
        score=read_score(folder / FILES["score"]),
        clips=clips,
        view=read_view(folder / FILES["view"]),
        landmarks=read_landmarks(folder / FILES["landmarks"]),
        figures=figures,
    )


def _check_folder(folder: Path, force: bool) -> None:
    """Refuses a place that has something else, before anything is computed.

    Args:
        folder: for the results.
        force: results that are there may be replaced.

    Raises:
        OutputError: something is there that is not to be replaced.
    """
    if folder.is_file():
        raise OutputError(folder, "a file of this name is there")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / FILES["figures"]).is_file():
        raise OutputError(folder, "the folder has other files; give a new or an empty one")
    if not force:
        raise OutputError(folder, "the results are there already; --force replaces them")


def _finish(working: Path, folder: Path) -> None:
    """Puts the finished results in their place.

    Args:
        working: folder in which all stages are finished.
        folder: for the results; what is there is replaced.

    Raises:
        OutputError: the folder cannot be moved.
    """
    try:
        shutil.rmtree(working / PIECES, ignore_errors=True)
        (working / STAGES_FILE).unlink(missing_ok=True)
        if folder.is_dir():
            shutil.rmtree(folder)
        working.replace(folder)
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
