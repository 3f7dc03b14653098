"""`play`: a score in, a performance and its folder of results out, in one call."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path

from typing_extensions import Unpack

from musclehand.core.errors import FileError, InvalidValue, OutputError, UnknownName
from musclehand.core.progress import Progress
from musclehand.core.recording_reader import RECORDING
from musclehand.music.score import Note, Score
from musclehand.music.sources import check_tempo, load_score
from musclehand.music.synth import MAX_SECONDS, synthesise
from musclehand.performance.options import PlayKeywords, PlayOptions
from musclehand.performance.perform import Performance, perform
from musclehand.performance.report import (
    clear_results,
    prepare_folder,
    remove_empty,
    write_film,
    write_page,
    write_report,
)
from musclehand.performance.settings import PlayerSettings, settings_for_part, settings_of

Stage = Callable[[str], AbstractContextManager[Progress | None]]
"""Called with the name of a stage ("play", "report", "page", "film"), gives the progress of it."""


class IncompleteResults(OutputError):
    """One result cannot be made; everything else of the performance is there.

    Attributes:
        performance: with its recording and files.
    """

    def __init__(self, error: OutputError | FileError, performance: Performance) -> None:
        super().__init__(error.path, error.problem)
        self.performance = performance


class FilmError(IncompleteResults):
    """The film cannot be made."""


class PageError(IncompleteResults):
    """The page cannot be made."""


def play(
    source: str | PathLike[str] | Score,
    *,
    out: str | PathLike[str] | None = None,
    clip: tuple[float, float] | None = None,
    tempo: float = 1.0,
    page: bool = True,
    video: bool = False,
    soundfont: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Unpack[PlayKeywords],
) -> Performance:
    """Plays a score with two muscle-driven hands, and writes everything that happened to a folder.

    It is `musclehand play` as a function. `performance.perform` takes hands, plans and controllers
    that are made in Python.

    Args:
        source: score file, name of a bundled piece, or a score.
        out: folder for recording, notes, sound, figures and metrics; None: nothing is written.
        clip: part of the score to play [s].
        tempo: factor on the tempo.
        page: make a page to look at (performance.html) where there is a folder.
        video: make a film as well; needs `out`.
        soundfont: SoundFont for the sound, in place of the built-in piano; needs `out`.
        seed: 0 or more, written to the recording; the built-in controllers draw no random numbers.
        progress: called with simulated time and all of it [s].
        options: fields of `performance.options.PlayOptions`, such as `controller="policy"` or
            `condition="ulnar-palsy"`.

    Returns:
        The performance: `metrics`, `body`, `played`, `remarks`, and with `out` its `recording` and
        `files`.

    Raises:
        PageError, FilmError: page or film cannot be made; everything else is there.
        MusclehandError: the score, an option or the folder cannot be used; the message says what is
            legal.

    Example:
        >>> result = play("ode_to_joy", out="ode", clip=(0, 5))
        >>> result.metrics.onset_f1_50ms
    """
    for option in options:
        if option not in PlayOptions.__dataclass_fields__:
            legal = (*PlayOptions.__dataclass_fields__, *(play.__kwdefaults__ or ()))
            raise UnknownName("option", option, legal)
    chosen = PlayOptions(**options)
    chosen.check()
    # Numbers of other libraries' types would go on into the score and its files.
    clip = None if clip is None else (float(clip[0]), float(clip[1]))
    tempo = float(tempo)
    score = _score_of(source, clip, tempo)
    check_outputs(score, out=out, video=video, soundfont=soundfont, seed=seed)
    settings = settings_for_part(settings_of(chosen), clip, tempo)
    if out is None:
        return perform(score, settings, seed=seed, progress=progress)
    title = source.title if isinstance(source, Score) else os.fspath(source)

    def stage(name: str) -> AbstractContextManager[Progress | None]:
        return nullcontext(progress if name == "play" else None)

    return play_into(
        Path(out),
        score,
        settings,
        request=request_record(title, clip, tempo, chosen),
        page=page,
        video=video,
        soundfont=soundfont,
        seed=seed,
        stage=stage,
    )


def _score_of(
    source: str | PathLike[str] | Score, clip: tuple[float, float] | None, tempo: float
) -> Score:
    """The part to play, at its tempo: of a file or piece as `load_score`, or of a score."""
    if not isinstance(source, Score):
        return load_score(source, clip=clip, tempo=tempo)
    check_tempo(tempo)
    score = source if clip is None else source.clip(*clip)
    return score if tempo == 1.0 else score.stretch(1.0 / tempo)


def check_outputs(
    score: Score,
    *,
    out: str | PathLike[str] | None,
    video: bool,
    soundfont: str | PathLike[str] | None,
    seed: int,
) -> None:
    """Finds what would otherwise fail only after the work is done.

    Args:
        score: to be played.
        out: folder for the results; None: there is none.
        video: a film is to be made.
        soundfont: to make the sound with.
        seed: to be written to the recording.

    Raises:
        InvalidValue: the score is too long, the seed is negative, or a film or sound is to be made
            without a folder.
        OutputError, FileError: no film or no sound can be made here.
    """
    if seed < 0:
        raise InvalidValue("seed", seed, "0 or more")
    if score.duration > MAX_SECONDS:
        legal = f"at most {MAX_SECONDS:.0f} s to be played in one go; take parts of it with clip"
        raise InvalidValue("length of the score", f"{score.duration:.0f} s", legal)
    for name, value in (("video", video or None), ("soundfont", soundfont)):
        if value is not None and out is None:
            raise InvalidValue(name, value, "left out, or with a folder for the results (out)")
    if soundfont is not None:
        synthesise(Score((Note(0.0, 60, 0.05),)), sample_rate=8000, soundfont=soundfont)
    if video:
        # Loads OpenGL, which only films need.
        from musclehand.sim.render.opengl import choose_backend

        choose_backend()


def request_record(
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
        "naming": None if options.naming is None else str(options.naming),
        "root": None if options.root is None else str(options.root),
        "policy": None if options.policy is None else str(options.policy),
        "criterion": options.criterion,
        "co_contraction": options.co_contraction,
        "chords": options.chords,
        "pedal": options.pedal,
        "rehearsals": options.rehearsals,
        "like": None if options.like is None else str(options.like),
        "sensory_delay_ms": options.sensory_delay_ms,
        "command_delay_ms": options.command_delay_ms,
        "predictor": options.predictor,
        "world": options.world,
    }


def play_into(
    folder: Path,
    score: Score,
    settings: PlayerSettings,
    *,
    request: dict[str, object] | None = None,
    page: bool = True,
    video: bool = False,
    soundfont: str | PathLike[str] | None = None,
    seed: int = 0,
    stage: Stage = lambda _: nullcontext(None),
) -> Performance:
    """Plays a score and fills a folder with the results; those of an earlier performance go first.

    Args:
        folder: made where it is missing, and removed again if it stays empty.
        score: to play.
        settings: of the player.
        request: what the user asked for, for `metrics.json`.
        page: make a page to look at.
        video: make a film.
        soundfont: for the sound.
        seed: written to the recording.
        stage: gives the progress of each stage.

    Raises:
        PageError, FilmError: page or film cannot be made; the rest is there.
        MusclehandError: as `perform`, or a result cannot be written.
    """
    created = prepare_folder(folder)
    try:
        with stage("play") as progress:
            clear_results(folder)
            performance = perform(
                score, settings, record=folder / RECORDING, seed=seed, progress=progress
            )
        with stage("report"):
            files = write_report(performance, folder, soundfont=soundfont, request=request)
        performance = replace(performance, files=tuple(files))
        if page:
            with stage("page"):
                try:
                    written = write_page(folder, design=settings.design)
                except (OutputError, FileError) as error:
                    raise PageError(error, performance) from error
            performance = replace(performance, files=(*performance.files, written))
        if video:
            with stage("film") as progress:
                try:
                    film = write_film(folder, progress=progress)
                except OutputError as error:
                    raise FilmError(error, performance) from error
            performance = replace(performance, files=(*performance.files, film))
        return performance
    finally:
        remove_empty(folder, created)
