"""`musclehand transcribe`: the notes and pedals of a recording as a MIDI file."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import OutputError

if TYPE_CHECKING:
    from musclehand.music.score import Score

_NO_DEFAULT = ""


@dataclass(frozen=True)
class TranscribeArgs:
    """Write the notes of a piano recording to a MIDI file.

    FILE is a sound file (WAV, FLAC, MP3 and others) or a film with sound. Notes, velocities,
    releases and the sustain pedal are heard by Transkun (pip install 'musclehand[transcribe]'),
    about as fast as the music is played, on one core. After an interruption, the same command goes
    on where it was stopped.

    For example:
      musclehand transcribe piano.wav
      musclehand transcribe concert.mp4 --clip 60 90 --out encore.mid
      musclehand play piano.mid
    """

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """Sound file or film."""

    out: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.mid", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """MIDI file to write; by default named as FILE, in the present folder."""

    clip: Annotated[
        tuple[float, float] | None,
        tyro.conf.arg(metavar="A B", help_behavior_hint=_NO_DEFAULT),
    ] = None
    """Listen only from second A to second B of the recording; second A is time 0 of the result."""

    force: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Overwrite an existing file."""


def transcribe_file(args: TranscribeArgs) -> None:
    """`musclehand transcribe`.

    Raises:
        MusclehandError: the recording cannot be used, the transcriber is missing, or the MIDI file
            cannot be written.
    """
    from musclehand.cli.console import open_console, progress_bar, say
    from musclehand.music.formats.midi import write_midi
    from musclehand.watch.transcribe import SEGMENTS_FILE, transcribe

    out = Path(f"{args.file.stem}.mid") if args.out is None else args.out
    if out.suffix.lower() not in {".mid", ".midi"}:
        raise OutputError(out, "the result is a MIDI file; name it .mid")
    if out.is_dir() or (out.exists() and not args.force):
        raise OutputError(out, "the file exists already; --force overwrites it")
    if not out.parent.is_dir():
        raise OutputError(out, f"there is no folder {out.parent}")
    segments = out.with_name(f"{out.name}.segments")
    lengths = [0.0]
    begin = time.perf_counter()
    with progress_bar("loading", "listening", "real time") as show:

        def note_length(done: float, total: float) -> None:
            lengths.append(done)
            show(done, total)

        score = transcribe(args.file, clip=args.clip, out=segments, progress=note_length)
    write_midi(score, out)
    (segments / SEGMENTS_FILE).unlink(missing_ok=True)
    with suppress(OSError):  # Something of the user's is in the folder as well.
        segments.rmdir()
    _print_score(score, lengths[-1], time.perf_counter() - begin)
    say(open_console(), f"Written to {out}")


def _print_score(score: Score, seconds: float, cost: float) -> None:
    """Prints what was heard."""
    from rich.table import Table

    from musclehand.cli.console import open_console, say
    from musclehand.music.pitch import pitch_name

    console = open_console()
    table = Table(title="Heard", title_justify="left", show_header=False)
    table.add_row("notes", str(len(score)))
    if len(score):
        table.add_row(
            "range", f"{pitch_name(min(score.pitches))} to {pitch_name(max(score.pitches))}"
        )
        table.add_row("velocities", f"{min(score.velocities)} to {max(score.velocities)}")
    table.add_row("sustain pedal", f"{len(score.pedals)} times")
    table.add_row("length", f"{seconds / 60:.2f} min")
    table.add_row("speed", f"{seconds / cost:.2f} x real time")
    console.print(table)
    if not len(score):
        say(console, "Remark: no note was heard; is there a piano in the recording?")
    for remark in score.remarks:
        say(console, f"Remark: {remark}")
