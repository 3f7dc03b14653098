"""`musclehand play`: two muscle-driven hands play a score."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core import interrupts
from musclehand.core.errors import MusclehandError
from musclehand.performance.options import PlayOptions

if TYPE_CHECKING:
    from musclehand.core.progress import Progress

_NO_DEFAULT = ""  # where None is the default, the text says what happens


@dataclass(frozen=True)
class PlayArgs:
    """Play a score with two muscle-driven hands, and keep everything that happened.

    SCORE is a MIDI (.mid), MusicXML (.musicxml, .mxl) or PIG fingering file (.txt), or the name of
    a piece of the repertoire (see --list). The folder DIR gets the scores of the performance
    (metrics.json), the notes and sound played (played.mid, played.wav), pictures (figures/), motion
    and muscle activations (recording.h5), a page to look at (performance.html), and a film.

    For example:
      musclehand play fuer_elise --video
      musclehand play song.mid --clip 30 60 --tempo 0.8 --out slower
      musclehand play song.mid --controller policy
      musclehand play song.mid --controller high-level
      musclehand play song.mid --controller keyboard
      musclehand play ode_to_joy --condition ulnar-palsy
      musclehand play ode_to_joy --model my_hand.xml
      musclehand play elise/score.txt --like elise/motion.h5
      musclehand play ode_to_joy --sensory-delay-ms 30
    """

    score: tyro.conf.Positional[
        Annotated[str | None, tyro.conf.arg(metavar="SCORE", help_behavior_hint=_NO_DEFAULT)]
    ] = None
    """Score file, or name of a piece."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = None
    """Folder for the results; by default performances/NAME_CONTROLLER, and _MODEL, _CONDITION
    or _WORLD where there is one."""

    controller: Annotated[
        str, tyro.conf.arg(metavar="muscle|policy|high-level|keyboard|torque|rigid")
    ] = "muscle"
    """Computed muscle control or a tracking policy follows a plan, a high-level policy plays at
    sight, or the keyboard plays itself. Two oracles show what the plan is worth: ideal joint
    torques follow it, or rigid hands are moved exactly along it."""

    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """JSON file of another policy than the bundled one; with --controller policy or
    high-level."""

    clip: Annotated[
        tuple[float, float] | None, tyro.conf.arg(metavar="A B", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Play only from second A to second B of the score."""

    condition: Annotated[
        str | None, tyro.conf.arg(metavar="WHAT", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Condition of both hands: ulnar-palsy, median-palsy (each also -high: above the
    elbow), radial-palsy, weak:FDP2=0.5, atrophy:FDP2=0.5, stiff:mcp2_flexion=0.2,
    "transfer:EIP>EPL", fatigue, fatigue=0.3 (tired from the start), enslaving (fingers as
    dependent as people's), enslaving=0.5 (half as much); several with +."""

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

    like: Annotated[
        Path | None, tyro.conf.arg(metavar="MOTION.h5", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Move like this person where the notes leave the hands free: a file of clips, one of each
    hand, on the score's clock. metrics.json then tells how alike the motion is."""

    rehearsals: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Practice runs before the last one, from which timing, loudness and place of every note are
    learnt. The best run is kept."""

    processes: Annotated[
        int | None, tyro.conf.arg(metavar="1|2", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """2 plans ahead in a second process, 1 does all in one; the performance is the same. By
    default 2 where there is another processor."""

    page: bool = True
    """Make a page to look at (performance.html): hands, keys, piano roll, muscles and sound in one
    file for any browser. Takes a few seconds a minute of music."""

    sensory_delay_ms: Annotated[float, tyro.conf.arg(metavar="N")] = 0.0
    """Milliseconds, 0 to 200, until the player knows what its body does: people have 25 to 50.
    With --world, the delay that the player reckons with."""

    command_delay_ms: Annotated[float, tyro.conf.arg(metavar="N")] = 0.0
    """Milliseconds, 0 to 200, until commands reach the muscles. With --world, the delay that the
    player reckons with."""

    predictor: Annotated[str, tyro.conf.arg(metavar="observer|rollout|none")] = "observer"
    """How the player makes up for delays: a simulation of its body runs along and is corrected
    (observer), or is run again from the last state that is known (rollout, slow), or not at
    all."""

    world: Annotated[str | None, tyro.conf.arg(metavar="WORLD", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """World to play in, of which the player is told nothing: surrogate:t0:SEED has keys, strength
    and nerves of its own, surrogate:t1:SEED other physics as well."""

    video: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Make a film as well (performance.mp4); takes some five times as long as the music."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """For whatever is random; the same seed gives the same performance."""

    soundfont: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Make the sound with this SoundFont (needs FluidSynth) instead of the built-in piano."""

    list_pieces: Annotated[bool, tyro.conf.arg(name="list", help_behavior_hint=_NO_DEFAULT)] = False
    """List the bundled pieces, and play nothing."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while playing."""

    def __init__(self, recording: Path) -> None:
        """
        Args:
            recording: file with what was played until then, if there is one.
        """
        self.recording = recording
        super().__init__()


def play(args: PlayArgs) -> None:
    """`musclehand play`.

    Raises:
        MusclehandError: the score, an option or the folder is not usable.
    """
    if args.list_pieces:
        from musclehand.cli.console import print_pieces

        print_pieces()
        return
    if args.score is None:
        raise MusclehandError(
            "play needs a score file or the name of a piece; `musclehand play --list` lists them"
        )
    options = options_of(args)
    options.check()
    from musclehand.cli.console import print_result, progress_bar
    from musclehand.music.sources import load_score

    score = load_score(args.score, clip=args.clip, tempo=args.tempo)
    folder = args.out or default_folder(args)
    interrupts.check()

    def stage(name: str) -> AbstractContextManager[Progress | None]:
        return progress_bar(*_STAGES[name])

    with progress_bar("loading", "", ""):
        from musclehand.core.recording_reader import RECORDING
        from musclehand.performance.play import (
            IncompleteResults,
            check_outputs,
            play_into,
            request_record,
        )
        from musclehand.performance.settings import settings_for_part, settings_of

        interrupts.check()
        check_outputs(score, out=folder, video=args.video, soundfont=args.soundfont, seed=args.seed)
        settings = settings_for_part(settings_of(options), args.clip, args.tempo)
    try:
        performance = play_into(
            folder,
            score,
            settings,
            request=request_record(args.score, args.clip, args.tempo, options),
            page=args.page,
            video=args.video,
            soundfont=args.soundfont,
            seed=args.seed,
            stage=stage,
        )
    except IncompleteResults as error:
        print_result(error.performance)
        raise
    except KeyboardInterrupt:
        raise Interrupted(folder / RECORDING) from None
    print_result(performance)


_STAGES = {
    "play": ("planning", "playing", "real time"),
    "report": ("writing", "", ""),
    "page": ("making the page", "", ""),
    "film": ("setting the stage", "filming", "real time"),
}
"""What the progress bar reads before and while a stage counts, and the unit of its rate."""


def options_of(args: PlayArgs) -> PlayOptions:
    """The options that were given."""
    return PlayOptions(
        controller=args.controller,
        policy=args.policy,
        condition=args.condition,
        model=args.model,
        naming=args.map,
        root=args.root,
        criterion=args.criterion,
        co_contraction=args.co_contraction,
        chords=args.chords,
        pedal=args.pedal,
        rehearsals=args.rehearsals,
        processes=args.processes,
        like=args.like,
        sensory_delay_ms=args.sensory_delay_ms,
        command_delay_ms=args.command_delay_ms,
        predictor=args.predictor,
        world=args.world,
    )


def default_folder(args: PlayArgs) -> Path:
    """Where results go if no folder is given: performances/NAME_CONTROLLER, and so on."""
    parts = [Path(args.score or "").stem or "score", args.controller]
    parts += [part for part in (args.model and args.model.stem, args.condition, args.world) if part]
    name = "_".join(re.sub(r"[^\w.-]+", "_", part).strip(".") or "score" for part in parts)
    return Path("performances") / name
