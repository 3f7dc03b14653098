"""The command line. Heavy libraries are loaded only when their turn comes, so help and errors are
immediate.

Exit codes: 0 done, 1 a model was checked and does not pass, 2 something in the command, its files
or its folders is wrong (one line on stderr says what), 130 interrupted.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import musclehand
from musclehand.cli.corpus import CorpusArgs, CorpusInfoArgs, corpus, corpus_info
from musclehand.cli.diff import DiffArgs, diff
from musclehand.cli.emg.commands import EmgArgs, emg
from musclehand.cli.export import ExportArgs, export
from musclehand.cli.hands import Hands, choose_hands
from musclehand.cli.learn import LearnArgs, learn
from musclehand.cli.muscles import MusclesArgs, muscles
from musclehand.cli.retarget import RetargetArgs, retarget_file
from musclehand.cli.track import TrackArgs, track
from musclehand.cli.validate import ValidateArgs, validate
from musclehand.cli.view import ViewArgs, view
from musclehand.core.errors import (
    InvalidValue,
    MusclehandError,
    OutputError,
    ScoreError,
    UnknownName,
)

if TYPE_CHECKING:
    from musclehand.music.score import Score

USAGE_ERROR = 2
INTERRUPTED = 130

TEMPO_RANGE = (0.05, 20.0)

_EXAMPLES = """Muscle-driven human hands that play the piano.

Examples:
  musclehand play --list                        the pieces that come along
  musclehand play ode_to_joy                    two muscle-driven hands play one of them
  musclehand play song.mid --clip 0 20          the first 20 seconds of a MIDI file
  musclehand play song.musicxml --video         with a film
  musclehand export hand.xml                    the hand as a file to look at and to edit
  musclehand validate my_hand.xml               is a hand model anatomical, stable and strong enough?
  musclehand diff hand.xml my_hand.xml          what changed from one hand model to another
  musclehand view                               a hand in the browser, with sliders and moment arms
  musclehand muscles original edited            how hard muscles worked, in one performance or several
  musclehand emg info session.c3d               what is in an EMG recording; qc, sessions, compare, simulate
  musclehand corpus corpus --hours 1            motion of playing hands, to learn from
  musclehand retarget hands.npy --out hands.h5  published motion, followed by our hand
  musclehand track hands.h5 --video             a hand follows motion by a policy that has learnt to
  musclehand learn song.mid --out song          a planner learns a piece that it plays at sight already
  musclehand play --help                        everything it can do
"""

CONTROLLERS = ("muscle", "policy", "planner", "keyboard")

_NO_DEFAULT = ""  # where None is the default, the text says what happens


@dataclass(frozen=True)
class PlayArgs:
    """Play a score with two muscle-driven hands, and keep everything that happened.

    SCORE is a MIDI (.mid), MusicXML (.musicxml, .mxl) or PIG fingering file (.txt), or the name of
    a piece that comes along (see --list). The folder DIR gets the scores of the performance
    (metrics.json), the notes and sound played (played.mid, played.wav), pictures (figures/), motion
    and muscle activations (recording.h5), and a film.

    For example:
      musclehand play fuer_elise --video
      musclehand play song.mid --clip 30 60 --tempo 0.8 --out slower
      musclehand play song.mid --controller policy
      musclehand play song.mid --controller planner
      musclehand play song.mid --controller keyboard
      musclehand play ode_to_joy --condition ulnar-palsy
      musclehand play ode_to_joy --model my_hand.xml
    """

    score: tyro.conf.Positional[
        Annotated[str | None, tyro.conf.arg(metavar="SCORE", help_behavior_hint=_NO_DEFAULT)]
    ] = None
    """Score file, or name of a piece."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = None
    """Folder for the results; by default performances/NAME_CONTROLLER, and _MODEL or _CONDITION
    where there is one."""

    controller: Annotated[str, tyro.conf.arg(metavar="muscle|policy|planner|keyboard")] = "muscle"
    """Hands that follow a plan (computed muscle control, a learned policy), that a learned
    planner moves, or none."""

    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Another policy or planner than those that come along, by its JSON file; with --controller
    policy or planner."""

    clip: Annotated[
        tuple[float, float] | None, tyro.conf.arg(metavar="A B", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Play only from second A to second B of the score."""

    condition: Annotated[
        str | None, tyro.conf.arg(metavar="WHAT", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """What is wrong with both hands: ulnar-palsy, median-palsy (each also -high: above the
    elbow), radial-palsy, weak:FDP2=0.5, atrophy:FDP2=0.5, stiff:mcp2_flexion=0.2,
    "transfer:EIP>EPL", fatigue, fatigue=0.3 (tired from the start); several with +."""

    model: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.xml", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Play with the hands of this model, such as `musclehand export` writes. A right hand alone
    gets its mirror image as the left one."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Which part of the model is which, where its names are not known: a JSON file as in
    models/naming."""

    root: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Folder that the model's includes and meshes may come from; by default the one it lies in."""

    criterion: Annotated[str, tyro.conf.arg(metavar="squares|cubes|min-max")] = "squares"
    """How muscles share what many of them can do: least squares of activation, least cubes
    (endurance), or none working harder than it must."""

    co_contraction: Annotated[float, tyro.conf.arg(metavar="C")] = 0.0
    """Activation, 0 to 1, that muscles hold where nothing is asked of them, antagonists against
    each other."""

    chords: Annotated[str, tyro.conf.arg(metavar="thinned|rolled")] = "thinned"
    """Chords somewhat wider than a hand lose a note, or are rolled from the bottom. Either is
    listed."""

    tempo: Annotated[float, tyro.conf.arg(metavar="X")] = 1.0
    """Play X times as fast as written."""

    pedal: Annotated[str, tyro.conf.arg(metavar="written|auto")] = "written"
    """The sustain pedal as the score has it, or with what a pianist would add to free a hand for
    a leap."""

    rehearsals: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Runs through the piece before the one that is kept, in which timing and loudness of every
    note are learnt."""

    processes: Annotated[
        int | None, tyro.conf.arg(metavar="1|2", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """2 plans ahead in a second process, 1 does all in one; the performance is the same. By
    default 2 where there is another processor."""

    video: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Make a film as well (performance.mp4); takes some five times as long as the music."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """For whatever is random; the same seed gives the same performance."""

    soundfont: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Make the sound with this SoundFont (needs FluidSynth) instead of the built-in piano."""

    list_pieces: Annotated[bool, tyro.conf.arg(name="list", help_behavior_hint=_NO_DEFAULT)] = False
    """List the pieces that come along, and play nothing."""


def play(args: PlayArgs) -> None:
    """`musclehand play`.

    Raises:
        MusclehandError: the score, an option or the folder is not usable.
    """
    from musclehand.performance.report import prepare_folder, remove_empty

    if args.list_pieces:
        from musclehand.cli.console import print_pieces

        print_pieces()
        return
    if args.score is None:
        raise MusclehandError(
            "play needs a score file or the name of a piece; `musclehand play --list` lists them"
        )
    score = load_score(args.score, clip=args.clip, tempo=args.tempo)
    _check_options(args, score)
    hands = choose_hands(args)
    parts = [Path(args.score).stem or "score", args.controller]
    parts += [part for part in (args.model and args.model.stem, args.condition) if part]
    name = "_".join(re.sub(r"[^\w.-]+", "_", part).strip(".") or "score" for part in parts)
    folder = args.out or Path("performances") / name
    made = prepare_folder(folder)
    try:
        _play_into(args, score, folder, hands)
    finally:
        remove_empty(folder, made)


def load_score(
    source: str, *, clip: tuple[float, float] | None = None, tempo: float = 1.0
) -> Score:
    """A score file, or else a piece of the repertoire; the part from `clip` [s] on, `tempo` times
    as fast.

    Raises:
        MusclehandError: no such file or piece, not readable, or nothing left to play.
    """
    from musclehand.music.formats.reading import READERS, read_score
    from musclehand.music.formats.score_file import check_limits
    from musclehand.music.repertoire import list_pieces, load_piece

    low, high = TEMPO_RANGE
    if not low <= tempo <= high:
        raise InvalidValue("tempo", tempo, f"a number from {low:g} to {high:g}")
    if clip is not None and not (0 <= clip[0] < clip[1] and math.isfinite(clip[1])):
        raise InvalidValue(
            "clip", clip, "two times in seconds, from 0 on, the first below the second"
        )
    names = [piece.name for piece in list_pieces()]
    if source in names and not Path(source).is_file():
        score = load_piece(source)
    elif (
        os.path.lexists(source)
        or Path(source).suffix.lower() in READERS
        or Path(source).name != source
    ):
        score = read_score(source)
    else:
        raise UnknownName("file or piece", source, names)
    if clip is not None:
        whole = score
        score = score.clip(*clip)
        if not score.notes:
            length = f"the last note ends at {whole.duration:.2f} s"
            raise ScoreError(source, f"no notes between {clip[0]:g} and {clip[1]:g} s; {length}")
    return check_limits(score.stretch(1.0 / tempo), source) if tempo != 1.0 else score


def _check_options(args: PlayArgs, score: Score) -> None:
    """What would otherwise fail only after the work is done."""
    from musclehand.music.score import Note
    from musclehand.music.score import Score as AnyScore
    from musclehand.music.synth import MAX_SECONDS, synthesise

    if args.controller not in CONTROLLERS:
        raise UnknownName("controller", args.controller, CONTROLLERS)
    if not 0 <= args.rehearsals <= 10 or (args.rehearsals and args.controller == "keyboard"):
        raise InvalidValue("rehearsals", args.rehearsals, "0 to 10, with hands")
    if args.policy is not None and args.controller not in ("policy", "planner"):
        raise InvalidValue(
            "policy", args.policy, "left out, or with --controller policy or planner"
        )
    if args.processes not in (None, 1, 2):
        raise InvalidValue("processes", args.processes, "1 or 2")
    if args.pedal not in ("written", "auto"):
        raise UnknownName("pedal", args.pedal, ["written", "auto"])
    if args.seed < 0:
        raise InvalidValue("seed", args.seed, "0 or more")
    if score.duration > MAX_SECONDS:
        legal = f"at most {MAX_SECONDS:.0f} s to be played in one go; take parts of it with --clip"
        raise InvalidValue("length of the score", f"{score.duration:.0f} s", legal)
    if args.soundfont is not None:
        synthesise(AnyScore((Note(0.0, 60, 0.05),)), sample_rate=8000, soundfont=args.soundfont)
    if args.video:
        from musclehand.sim.render.opengl import choose_backend

        choose_backend()


def _play_into(args: PlayArgs, score: Score, folder: Path, hands: Hands) -> None:
    from musclehand.cli.console import print_result, progress_bar
    from musclehand.performance.report import RECORDING, clear_results, write_film, write_report

    with progress_bar("planning", "playing", "real time") as show:
        from musclehand.performance.perform import perform

        clear_results(folder)
        try:
            performance = perform(
                score,
                args.controller,
                record=folder / RECORDING,
                pedal=args.pedal,
                rehearsals=args.rehearsals,
                processes=args.processes,
                policy=args.policy,
                seed=args.seed,
                progress=show,
                **hands._asdict(),
            )
        except KeyboardInterrupt:
            raise _Interrupted(folder / RECORDING) from None
    asked = {
        "score": args.score,
        "clip": None if args.clip is None else list(args.clip),
        "tempo": args.tempo,
        "condition": args.condition,
        "model": None if args.model is None else str(args.model),
        "criterion": args.criterion,
        "co_contraction": args.co_contraction,
        "chords": args.chords,
        "pedal": args.pedal,
        "rehearsals": args.rehearsals,
    }
    with progress_bar("writing", "", ""):
        files = write_report(performance, folder, soundfont=args.soundfont, asked=asked)
    problem: OutputError | None = None
    if args.video:
        with progress_bar("setting the stage", "filming", "real time") as show:
            try:
                files.append(write_film(folder, progress=show))
            except OutputError as error:
                problem = error  # everything else is there and is worth showing
    print_result(performance, files)
    if problem is not None:
        raise problem


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C while playing; knows where the recording is."""

    def __init__(self, recording: Path) -> None:
        self.recording = recording
        super().__init__()


COMMANDS: dict[str, tuple[type, Callable[[Any], int | None]]] = {
    "play": (PlayArgs, play),
    "validate": (ValidateArgs, validate),
    "diff": (DiffArgs, diff),
    "export": (ExportArgs, export),
    "track": (TrackArgs, track),
    "learn": (LearnArgs, learn),
    "view": (ViewArgs, view),
    "muscles": (MusclesArgs, muscles),
    "emg": (EmgArgs, emg),
    "corpus": (CorpusArgs, corpus),
    "corpus-info": (CorpusInfoArgs, corpus_info),
    "retarget": (RetargetArgs, retarget_file),
}
"""Every command: its arguments, and what does it; that may return an exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """The `musclehand` command; returns its exit code.

    Raises:
        SystemExit: help was asked for (0), or an argument is wrong (2).
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 gets question marks, not a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] in (["--version"], ["-V"]):
        print(f"musclehand {musclehand.__version__}")
        return 0
    try:
        args = tyro.extras.subcommand_cli_from_dict(
            {name: arguments for name, (arguments, _) in COMMANDS.items()},
            prog="musclehand",
            description=_EXAMPLES,
            args=words or ["--help"],
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        run = next(run for arguments, run in COMMANDS.values() if isinstance(args, arguments))
        return run(args) or 0
    except MusclehandError as error:
        return _fail(f"error: {error}", USAGE_ERROR)
    except _Interrupted as interruption:
        kept = interruption.recording
        rest = f"; what was played until then is in {kept}" if kept.exists() else ""
        return _fail(f"interrupted{rest}", INTERRUPTED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)


def _fail(message: str, code: int) -> int:
    print(f"musclehand: {' '.join(message.split())}", file=sys.stderr)
    return code
