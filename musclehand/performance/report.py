"""The folder of results of a performance: metrics, notes, sound, figures, film and recording.

    metrics.json             every figure of `music.metrics` and of the hands, versions, seed
    recording.h5             motion and muscles, written as the performance goes
    played.mid, played.wav   what sounded
    figures/piano_roll.png   hit, missed and extra notes (`piano_roll_2.png` and on for long pieces)
    figures/muscles.png      activation by anatomical group; only where muscles played
    performance.html         hands, keys, piano roll, muscles and sound, by `performance.page`
    performance.mp4          on request
    explain.html, causes.csv lost notes and their causes, by `performance.explain`

Everything but the recording is made in a hidden folder beside its destination and moved there when
it is complete, `metrics.json` last. Results of an earlier performance are deleted when a new one
begins, so the files in a folder always belong together.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from musclehand.core.atomic import move_file, write_file
from musclehand.core.errors import OutputError
from musclehand.core.progress import Progress
from musclehand.core.recording_reader import RECORDING
from musclehand.performance.plan_figures import NO_PLAN

if TYPE_CHECKING:
    from musclehand.body.build.hand import HandDesign
    from musclehand.performance.perform import Performance

METRICS = "metrics.json"
MIDI = "played.mid"
SOUND = "played.wav"
PAGE = "performance.html"
VIDEO = "performance.mp4"
ROLL = "figures/piano_roll.png"
MUSCLES = "figures/muscles.png"
EXPLANATION = "explain.html"
CAUSES = "causes.csv"
LOST_PICTURE = "figures/lost_{}.png"
"""Of a lost note, by its number."""

RESULTS = (METRICS, RECORDING, MIDI, SOUND, ROLL, MUSCLES, PAGE, VIDEO, EXPLANATION, CAUSES)
"""Files of a performance that have one name."""

RUN_FIGURES = (
    "onset_f1_50ms",
    "frame_f1_micro",
    "velocity_f1",
    "missed",
    "extra",
    "onset_error_ms_median",
    "velocity_correlation",
)
"""Figures of every run of a performance that was practised."""

SAMPLE_RATE = 44100
"""[Hz] of the sound."""


def prepare_folder(folder: str | PathLike[str]) -> Path | None:
    """Checks that results can be written to a folder, before the work begins; makes it if need be.

    Returns:
        The topmost folder that had to be made, or None when all were there: for `remove_empty`.

    Raises:
        OutputError: it cannot be made or written to, or is a file.
    """
    folder = Path(folder)
    try:
        missing = next((p for p in [*reversed(folder.parents), folder] if not p.exists()), None)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        raise OutputError(folder, getattr(error, "strerror", None) or str(error)) from None
    return missing


def remove_empty(folder: Path, topmost: Path | None) -> None:
    """Removes the folders that `prepare_folder` made, as far as they are still empty.

    Args:
        folder: of the results.
        topmost: what `prepare_folder` returned.
    """
    if topmost is None:
        return
    for place in [folder, *folder.parents]:
        try:
            place.rmdir()
        except OSError:
            return
        if place == topmost:
            return


def clear_results(folder: str | PathLike[str]) -> None:
    """Deletes the files of an earlier performance, and nothing else.

    Raises:
        OutputError: one cannot be deleted.
    """
    folder = Path(folder)
    pages = [
        path
        for path in (folder / "figures").glob("piano_roll_*.png")
        if path.stem[len("piano_roll_") :].isdigit()
    ]
    for path in [
        *(folder / name for name in RESULTS),
        *pages,
        *(
            path
            for path in folder.glob(LOST_PICTURE.format("*"))
            if path.stem[len("lost_") :].isdigit()
        ),
    ]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(path, error.strerror or str(error)) from error


def metrics_of(
    performance: Performance, request: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Everything in `metrics.json`; units are in the names, times of notes are in seconds.

    Two performances with the same seed on the same machine differ in `wall_s` and `realtime_factor`
    alone.

    Args:
        performance: to describe.
        request: what the user asked for (score, clip, tempo), which comes first.
    """
    body = performance.body
    metrics = performance.metrics.as_dict()
    return {
        **(request or {}),
        "title": performance.score.title,
        "controller": performance.controller,
        "duration_s": performance.duration_s,
        "wall_s": performance.wall_s,
        "realtime_factor": performance.realtime_factor,
        "joint_rmse_deg": body.joint_rmse_deg,
        "fingertip_error_mm": body.fingertip_error_mm,
        "mean_activation": body.mean_activation,
        **metrics,
        **(performance.plan or NO_PLAN).as_dict(),
        "rehearsal_runs": [
            {name: getattr(run, name) for name in RUN_FIGURES} for run in performance.rehearsals
        ],
        "kept_run": performance.kept_run,
        "likeness": None if performance.likeness is None else performance.likeness.as_dict(),
        "remarks": list(performance.remarks),
        **_versions(performance.provenance),
    }


def write_report(
    performance: Performance,
    folder: str | PathLike[str],
    *,
    soundfont: str | PathLike[str] | None = None,
    request: Mapping[str, object] | None = None,
) -> list[Path]:
    """Writes all files but the recording, which is expected in the folder, the page and the film.

    Args:
        performance: to describe.
        folder: with its recording.
        soundfont: SoundFont for the sound, in place of the built-in piano.
        request: what the user asked for, for `metrics.json`.

    Returns:
        The files written, the recording among them, in the order of the module docstring.

    Raises:
        OutputError: a file cannot be written, or the SoundFont not played; none of the files is
            there then.
        RecordingError: the recording is missing or damaged.
    """
    from musclehand.music.formats.midi import write_midi
    from musclehand.music.synth import synthesise, write_wav

    folder = Path(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as name:
            part = Path(name)
            (part / "figures").mkdir()
            text = json.dumps(
                metrics_of(performance, request), indent=2, ensure_ascii=False, allow_nan=False
            )
            (part / METRICS).write_text(text + "\n", encoding="utf-8")
            write_midi(performance.played, part / MIDI)
            write_wav(
                part / SOUND,
                synthesise(performance.played, sample_rate=SAMPLE_RATE, soundfont=soundfont),
                SAMPLE_RATE,
            )
            pictures = _draw(performance, folder / RECORDING, part)
            names = [METRICS, MIDI, SOUND, *pictures]
            _move(part, folder, [*names[1:], METRICS])
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
    return [folder / name for name in [METRICS, RECORDING, *names[1:]]]


def write_page(folder: str | PathLike[str], *, design: HandDesign | None = None) -> Path:
    """Makes the page of the recording in a folder, with its sound; the folder needs no other file.

    Args:
        folder: that `write_report` has filled.
        design: the hands that played; the bundled ones where None.

    Raises:
        RecordingError: the recording is missing, damaged, or of another model.
        OutputError: the sound is missing, or the page cannot be written.
    """
    from musclehand.performance.page.build import build_page

    folder = Path(folder)
    write_file(folder / PAGE, build_page(folder / RECORDING, folder / SOUND, design=design))
    return folder / PAGE


def write_film(folder: str | PathLike[str], *, progress: Progress | None = None) -> Path:
    """Makes a film of the recording in a folder, with its sound.

    Args:
        folder: that `write_report` has filled.
        progress: called with seconds of film done, and all of them.

    Raises:
        OutputError, RecordingError: see `render_video`.
    """
    from musclehand.sim.render.video import render_video

    folder = Path(folder)
    render_video(folder / RECORDING, folder / VIDEO, sound=folder / SOUND, progress=progress)
    return folder / VIDEO


def _versions(provenance: Mapping[str, object]) -> dict[str, object]:
    """The seed and model hash as they are, the rest under `versions`."""
    own = ("seed", "model_sha256")
    named = {name: provenance[name] for name in own if name in provenance}
    return {
        **named,
        "versions": {name: value for name, value in provenance.items() if name not in own},
    }


def _draw(performance: Performance, recording: Path, part: Path) -> list[str]:
    """The pictures; returns their names."""
    from musclehand.body.build.tables import load_tables
    from musclehand.core.figure_file import save_figure
    from musclehand.core.recording import Recording
    from musclehand.performance.figures import draw_muscles, draw_piano_roll

    names = []
    pages = draw_piano_roll(performance.score, performance.played, performance.metrics)
    for number, page in enumerate(pages, start=1):
        names.append(ROLL if number == 1 else ROLL.replace(".png", f"_{number}.png"))
        save_figure(page, part / names[-1])
    with Recording.open(recording) as opened:
        if "act" in opened.channels:
            played = dict.fromkeys(name[:-2] for name in opened["act"].names)
            tabled = [
                (row.muscle, row.name, row.group)
                for row in load_tables().muscles
                if row.muscle in played
            ]
            untabled = played.keys() - {muscle for muscle, _, _ in tabled}
            muscles = [*tabled, *((name, name, "others") for name in played if name in untabled)]
            title = " ".join(performance.score.title.split())[:80]
            save_figure(
                draw_muscles(opened, muscles, title=f"Muscle activation: {title}"), part / MUSCLES
            )
            names.append(MUSCLES)
    return names


def _move(part: Path, folder: Path, names: list[str]) -> None:
    (folder / "figures").mkdir(exist_ok=True)
    for name in names:
        move_file(part / name, folder / name)
    shutil.rmtree(part / "figures")
