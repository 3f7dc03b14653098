"""`play`: a score in, a performance and its folder of results out, in one call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.core.progress import Progress
from musclehand.core.recording_reader import RECORDING
from musclehand.music.score import Score
from musclehand.music.sources import load_score
from musclehand.music.synth import MAX_SECONDS, synthesise
from musclehand.performance.options import PlayOptions
from musclehand.performance.perform import Performance, perform
from musclehand.performance.report import (
    clear_results,
    prepare_folder,
    remove_empty,
    write_film,
    write_report,
)
from musclehand.performance.settings import PlayerSettings, settings_of

Stage = Callable[[str], AbstractContextManager[Progress | None]]
"""Called with the name of a stage ("play", "report", "film"), gives the progress of it."""


class FilmError(OutputError):
    """The film cannot be made; everything else of the performance is there."""

    def __init__(self, error: OutputError, performance: Performance) -> None:
        super().__init__(error.path, error.problem)
        self.performance = performance


def play(
    source: str | PathLike[str] | Score,
    *,
    out: str | PathLike[str] | None = None,
    clip: tuple[float, float] | None = None,
    tempo: float = 1.0,
    video: bool = False,
    soundfont: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Performance:
    """Plays a score with two muscle-driven hands, and writes everything that happened to a folder.

    Args:
        source: score file, name of a bundled piece, or a score.
        out: folder for recording, notes, sound, figures and metrics; None: nothing is written.
        clip: part of the score to play [s].
        tempo: factor on the tempo.
        video: make a film as well; needs `out`.
        soundfont: SoundFont for the sound, in place of the built-in piano.
        seed: written to the recording; the built-in controllers draw no random numbers.
        progress: called with simulated time and all of it [s].
        options: fields of `PlayOptions`, such as `controller="policy"` or
            `condition="ulnar-palsy"`.

    Returns:
        The performance: `metrics`, `body`, `played`, `remarks`, and with `out` its `recording` and
        `files`.

    Raises:
        MusclehandError: the score, an option or the folder cannot be used; the message says what is
            legal.

    Example:
        >>> result = play("ode_to_joy", out="ode", clip=(0, 5))
        >>> result.metrics.onset_f1_50ms
    """
    try:
        chosen = PlayOptions(**options)
    except TypeError:
        legal = ", ".join(PlayOptions.__dataclass_fields__)
        unknown = next(name for name in options if name not in PlayOptions.__dataclass_fields__)
        raise InvalidValue("option", unknown, f"one of {legal}") from None
    chosen.check()
    if isinstance(source, Score):
        name = source.title
        score = source if clip is None else source.clip(*clip)
        score = score if tempo == 1.0 else score.stretch(1.0 / tempo)
    else:
        name = str(source)
        score = load_score(name, clip=clip, tempo=tempo)
    check_outputs(score, out=out, video=video, soundfont=soundfont)
    settings = settings_of(chosen)
    if out is None:
        return perform(score, settings, seed=seed, progress=progress)
    asked = asked_for(name, clip, tempo, chosen)

    def stage(name: str) -> AbstractContextManager[Progress | None]:
        return nullcontext(progress if name == "play" else None)

    return play_into(
        Path(out),
        score,
        settings,
        asked=asked,
        video=video,
        soundfont=soundfont,
        seed=seed,
        stage=stage,
    )


def check_outputs(
    score: Score,
    *,
    out: str | PathLike[str] | None,
    video: bool,
    soundfont: str | PathLike[str] | None,
) -> None:
    """Finds what would otherwise fail only after the work is done.

    Args:
        score: to be played.
        out: folder for the results.
        video: a film is to be made.
        soundfont: to make the sound with.

    Raises:
        InvalidValue: the score is too long, or a film is to be made without a folder.
        OutputError, FileError: no film or no sound can be made here.
    """
    if score.duration > MAX_SECONDS:
        legal = f"at most {MAX_SECONDS:.0f} s to be played in one go; take parts of it with clip"
        raise InvalidValue("length of the score", f"{score.duration:.0f} s", legal)
    if soundfont is not None:
        from musclehand.music.score import Note

        synthesise(Score((Note(0.0, 60, 0.05),)), sample_rate=8000, soundfont=soundfont)
    if video:
        if out is None:
            raise InvalidValue("video", True, "with a folder for the results (out)")
        from musclehand.sim.render.opengl import choose_backend

        choose_backend()


def asked_for(
    name: str, clip: tuple[float, float] | None, tempo: float, options: PlayOptions
) -> dict[str, object]:
    """What a user asked for, as it stands first in `metrics.json`.

    Args:
        name: of the score.
        clip: part of it [s].
        tempo: factor on the tempo.
        options: all others.
    """
    return {
        "score": name,
        "clip": None if clip is None else list(clip),
        "tempo": tempo,
        "condition": options.condition,
        "model": None if options.model is None else str(options.model),
        "criterion": options.criterion,
        "co_contraction": options.co_contraction,
        "chords": options.chords,
        "pedal": options.pedal,
        "rehearsals": options.rehearsals,
    }


def play_into(
    folder: Path,
    score: Score,
    settings: PlayerSettings,
    *,
    asked: dict[str, object] | None = None,
    video: bool = False,
    soundfont: str | PathLike[str] | None = None,
    seed: int = 0,
    stage: Stage = lambda _: nullcontext(None),
) -> Performance:
    """Plays a score and fills a folder with the results; those of an earlier performance go first.

    Args:
        folder: made where it is missing, and removed again if nothing comes to be in it.
        score: to play.
        settings: of the player.
        asked: what the user asked for, for `metrics.json`.
        video: make a film.
        soundfont: for the sound.
        seed: written to the recording.
        stage: gives the progress of each stage.

    Raises:
        FilmError: the film cannot be made; the rest is there.
        MusclehandError: as `perform`, or a result cannot be written.
    """
    made = prepare_folder(folder)
    try:
        with stage("play") as progress:
            clear_results(folder)
            performance = perform(
                score, settings, record=folder / RECORDING, seed=seed, progress=progress
            )
        with stage("report"):
            files = write_report(performance, folder, soundfont=soundfont, asked=asked)
        performance = replace(performance, recording=folder / RECORDING, files=tuple(files))
        if video:
            with stage("film") as progress:
                try:
                    film = write_film(folder, progress=progress)
                except OutputError as error:
                    raise FilmError(error, performance) from error
            performance = replace(performance, files=(*performance.files, film))
        return performance
    finally:
        remove_empty(folder, made)
