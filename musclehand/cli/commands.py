"""The command line: one command for each job, and exit codes.

Heavy libraries are loaded only by the command that needs them, so help and errors are immediate.
Exit codes: 0 done, 1 a model was checked and does not pass, 2 the command, a file or a folder
cannot be used (one line on stderr says why), 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union

import tyro

import musclehand
from musclehand.cli.corpus import CorpusArgs, CorpusInfoArgs, corpus, corpus_info
from musclehand.cli.deprecated import update_words
from musclehand.cli.diff import DiffArgs, diff
from musclehand.cli.emg.commands import EmgArgs, emg
from musclehand.cli.explain import ExplainArgs, explain
from musclehand.cli.export import ExportArgs, export
from musclehand.cli.learn import LearnArgs, learn
from musclehand.cli.muscles import MusclesArgs, muscles
from musclehand.cli.play import Interrupted, PlayArgs, play
from musclehand.cli.retarget import RetargetArgs, retarget_file
from musclehand.cli.track import TrackArgs, track
from musclehand.cli.train import TrainArgs, run_training, train
from musclehand.cli.transcribe import TranscribeArgs, transcribe_file
from musclehand.cli.validate import ValidateArgs, validate
from musclehand.cli.view import ViewArgs, view
from musclehand.cli.watch import WatchArgs, watch_film
from musclehand.core import interrupts
from musclehand.core.errors import MusclehandError
from musclehand.core.opengl import defer_opengl

USAGE_ERROR = 2
"""Exit code of a command that cannot be done as it was given."""

PARSING = (tyro.conf.FlagCreatePairsOff,)
"""Settings of tyro: flags have no --no-... twin."""

_EXAMPLES = """Muscle-driven human hands that play the piano.

Examples:
  musclehand play --list                        the bundled pieces
  musclehand play fuer_elise                    two muscle-driven hands play one of them
  musclehand play song.mid --clip 0 20          the first 20 seconds of a MIDI file
  musclehand play song.musicxml --video         with a film
  musclehand watch film.mp4 --out elise         notes, fingers and motion of a filmed pianist
  musclehand explain performances/song_muscle   which notes were lost, at which stage and why
  musclehand export hand.xml                    the hand as a file to look at and to edit
  musclehand validate my_hand.xml               is a hand anatomical, stable and strong enough?
  musclehand diff hand.xml my_hand.xml          what changed from one hand model to another
  musclehand view                               a hand in the browser, with sliders and moment arms
  musclehand muscles original edited            activation of each muscle in performances
  musclehand emg info session.c3d               an EMG recording; also qc, compare, simulate
  musclehand corpus corpus --hours 1            motion of playing hands, to learn from
  musclehand retarget hands.npy --out hands.h5  published motion, followed by our hand
  musclehand transcribe piano.wav               the notes and pedals of a recording as MIDI
  musclehand track hands.h5 --video             a hand follows motion by a tracking policy
  musclehand train track corpus                 a policy learns to follow; latent, generalist, piece
  musclehand learn song.mid --out song          a high-level policy learns a piece
  musclehand play --help                        everything it can do
"""


COMMANDS: dict[str, tuple[type, Callable[[Any], int | None]]] = {
    "play": (PlayArgs, play),
    "watch": (WatchArgs, watch_film),
    "explain": (ExplainArgs, explain),
    "validate": (ValidateArgs, validate),
    "diff": (DiffArgs, diff),
    "export": (ExportArgs, export),
    "track": (TrackArgs, track),
    "train": (TrainArgs, train),
    "learn": (LearnArgs, learn),
    "view": (ViewArgs, view),
    "muscles": (MusclesArgs, muscles),
    "emg": (EmgArgs, emg),
    "corpus": (CorpusArgs, corpus),
    "corpus-info": (CorpusInfoArgs, corpus_info),
    "retarget": (RetargetArgs, retarget_file),
    "transcribe": (TranscribeArgs, transcribe_file),
}
"""Every command: its arguments, and the function that does it, which may return an exit code."""


def run(argv: Sequence[str] | None = None) -> int:
    """The `musclehand` command; returns its exit code.

    Args:
        argv: words of the command line, by default the process's.

    Raises:
        SystemExit: help was asked for (0), or an argument is wrong (2).
    """
    defer_opengl()
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 gets question marks, not a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] in (["--version"], ["-V"]):
        print(f"musclehand {musclehand.__version__}")
        return 0
    words = update_words(words)
    _show_notices()
    try:
        interrupts.check()
        if words[:1] == ["train"]:
            return run_training(words[1:]) or 0
        if words[:1] and words[0] in COMMANDS:
            arguments, command = COMMANDS[words[0]]
            args: Any = tyro.cli(
                arguments, prog=f"musclehand {words[0]}", args=words[1:], config=PARSING
            )
            interrupts.check()
            return command(args) or 0
        _show_commands(words)
        return 0
    except MusclehandError as error:
        return _fail(f"error: {error}", USAGE_ERROR)
    except Interrupted as interruption:
        recording = interruption.recording
        where = f"; what was played until then is in {recording}" if recording.exists() else ""
        return _fail(f"interrupted{where}", interrupts.EXIT_CODE)
    except KeyboardInterrupt:
        return _fail("interrupted", interrupts.EXIT_CODE)


def _show_commands(words: Sequence[str]) -> None:
    """Lists the commands, a line each, or refuses words that begin with none.

    Args:
        words: of the command line; none, or not the name of a command.

    Raises:
        SystemExit: always, after the list (0) or the error (2).
    """
    summaries = [
        Annotated[
            arguments,
            tyro.conf.subcommand(name, description=(arguments.__doc__ or "").partition("\n")[0]),
        ]
        for name, (arguments, _) in COMMANDS.items()
    ]
    choice: Any = Union[tuple(summaries)]  # noqa: UP007
    tyro.cli(
        choice,
        prog="musclehand",
        description=_EXAMPLES,
        args=words or ["--help"],
        config=PARSING,
    )


class _Notice(logging.Handler):
    """Shows what the library logs as a line on stderr, such as the one-time compilation."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"musclehand: {record.getMessage()}", file=sys.stderr)


def _show_notices() -> None:
    logger = logging.getLogger("musclehand")
    if not any(isinstance(handler, _Notice) for handler in logger.handlers):
        logger.addHandler(_Notice())
        logger.setLevel(logging.INFO)


def _fail(message: str, code: int) -> int:
    print(f"musclehand: {' '.join(message.split())}", file=sys.stderr)
    return code
