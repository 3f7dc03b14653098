"""Fourteen minutes of playing: filmed, heard, watched, and played again.

    python experiments/bench_watch_long.py --out runs/watch_long
    python experiments/bench_watch_long.py --minutes 1 --out runs/watch_short

The repertoire and generated variations are joined to one piece and performed by muscles. The
performance is filmed as landmarks with the errors that were measured on rendered films
(`harness.simulated_landmarks`), and its sound is synthesised. `musclehand watch` transcribes the
sound, finds fingers and motion, and two muscle-driven hands play that again. Every stage is kept in
the folder, so that the benchmark resumes. Needs `pip install 'musclehand[transcribe]'`.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from harness.simulated_landmarks import LandmarkErrors, camera_above, film_clips, hand_points, later
from musclehand.body.anatomy import FOREARM_AXES, HAND_JOINTS, Side
from musclehand.core.atomic import write_file
from musclehand.core.recording_reader import Recording
from musclehand.motion.clip import NOTE_COLUMNS, MotionClip
from musclehand.music.formats.score_json import score_from_dict, score_to_dict
from musclehand.music.generate.variations import theme_and_variations
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Note, Score, keyboard_score
from musclehand.music.synth import synthesise, write_wav
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.sim.scene import forearm_joint
from musclehand.watch.demonstration import WORKING, open_demonstration, watch
from musclehand.watch.inputs import WatchInputs
from musclehand.watch.landmarks import TIPS
from musclehand.watch.landmarks_file import write_landmarks
from musclehand.watch.transcribe import transcribe
from musclehand.watch.view_file import write_view
from musclehand.watch.watching import PIECES

TITLE = "Fourteen minutes watched and played again"

PROSE = """The repertoire and generated variations are joined, performed by muscles, filmed as
landmarks with the errors measured on rendered films, and synthesised. The sound is transcribed; the
film gives fingers and motion; muscles play it again. Heard are the notes of the watched score,
performed the notes that sounded in the filmed performance, written the notes of the piece.
Times are processor time of all threads."""

RATE = 30.0
"""[Hz] Pictures per second of the film."""

ERRORS = LandmarkErrors(slow=0.003, jitter=0.0015, offsets=1.0, dropouts=0.02, hidden=0.02)
"""Errors of the landmarks, as measured: 3 mm after constant displacements, a jitter of 1 to 2 mm,
hands found in 98 % of the pictures."""

PAUSE = 1.5
"""[s] Between pieces."""

SAMPLE_RATE = 44100
"""[Hz]"""


@dataclass(frozen=True)
class Args:
    """How long, and where to keep everything."""

    minutes: float = 14.0
    """Length of the piece."""

    out: Path = Path("runs/watch_long")
    """Folder of all files."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Does what is not done yet, prints and writes the figures."""
    args.out.mkdir(parents=True, exist_ok=True)
    costs = Costs(args.out / "costs.json")
    score = joined_pieces(60.0 * args.minutes)
    recording = args.out / "recording.h5"
    costs.measure("performed", recording, lambda: play_first(score, recording))
    film = args.out / "landmarks.h5"
    costs.measure("filmed", film, lambda: film_recording(recording, film))
    sound = args.out / "played.wav"
    costs.measure("synthesised", sound, lambda: sound_of(recording, sound))
    watched = args.out / "watched"
    pieces = args.out / f"watched{WORKING}" / PIECES
    heard = args.out / "heard.json"
    costs.measure("heard", heard, lambda: hear(sound, pieces, heard))
    inputs = WatchInputs(film, sound=sound, view=args.out / "view.json")
    costs.measure("watched", watched, lambda: watch(inputs, out=watched))
    again = args.out / "again.json"
    costs.measure("played again", again, lambda: play_again(watched, again))
    report(args, score, recording, costs)


class Costs:
    """Processor time of the stages, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = {}
        self.megabytes = 0.0
        if path.exists():
            content = json.loads(path.read_text(encoding="utf-8"))
            self.seconds = content["processor_s"]
            self.megabytes = content["peak_mb"]

    def measure(self, name: str, result: Path, compute: Callable[[], object]) -> None:
        """Computes what is not there yet, and adds its processor time.

        Args:
            name: of the stage.
            result: file or folder that the stage makes.
            compute: makes it.
        """
        if result.exists():
            return
        print(f"{name} ...", flush=True)
        begin = time.process_time()
        with threadpool_limits(1):
            compute()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begin
        self.megabytes = max(
            self.megabytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        )
        content = {"processor_s": self.seconds, "peak_mb": self.megabytes}
        write_file(self.path, json.dumps(content, indent=1))
        print(f"{name}: {self.seconds[name]:.0f} s of a core, {self.megabytes:.0f} MB", flush=True)


def joined_pieces(seconds: float) -> Score:
    """The pieces of the repertoire one after the other, then the variations, cut to a length.

    Args:
        seconds: length.
    """
    parts = [load_piece(piece.name) for piece in list_pieces()] + [theme_and_variations()]
    notes = []
    pedals = []
    begin = 0.5
    for part in parts:
        moved = later(part, begin)
        notes += moved.notes
        pedals += moved.pedals
        begin += part.duration + PAUSE
        if begin > seconds:
            break
    bare = [replace(note, hand=None, finger=None) for note in notes]
    return keyboard_score(Score(tuple(bare), tuple(pedals), "joined").clip(0.0, seconds))


def play_first(score: Score, path: Path) -> None:
    """Performs the piece.

    Args:
        score: the piece.
        path: of the recording.
    """
    perform(score, PlayerSettings("muscle"), record=path)


def film_recording(path: Path, out: Path) -> None:
    """Films a recording as landmarks with errors, and writes the camera beside them.

    Args:
        path: of the recording.
        out: file of the landmarks.
    """
    with Recording.open(path) as recording:
        clips = recorded_clips(recording)
    view = camera_above()
    film = film_clips(clips, Score(()), view=view)
    write_view(out.with_name("view.json"), view)
    write_landmarks(out, film.landmarks(ERRORS, seed=1))


def recorded_clips(recording: Recording) -> dict[Side, MotionClip]:
    """The motion of both hands at the film's rate, from the first row of a recording.

    Args:
        recording: of a performance.
    """
    names = list(recording["qpos"].names)
    rows = np.asarray(recording["time"][:], dtype=float)
    angles = np.asarray(recording["qpos"][:], dtype=float)
    times = np.arange(rows[0], rows[-1], 1.0 / RATE)
    clips = {}
    for side in Side:
        joints = [side.name_of(joint) for joint in HAND_JOINTS]
        axes = [forearm_joint(side, axis) for axis in FOREARM_AXES]
        qpos, forearm = (
            np.stack([np.interp(times, rows, angles[:, names.index(n)]) for n in wanted], axis=1)
            for wanted in (joints, axes)
        )
        clips[side] = MotionClip(
            name=f"film_{side.value}",
            kind="film",
            pattern="film",
            side=side,
            dt=1.0 / RATE,
            qpos=qpos,
            qvel=np.gradient(qpos, 1.0 / RATE, axis=0),
            forearm=forearm,
            fingertips=hand_points(side, qpos, forearm)[:, TIPS],
            notes=np.zeros((0, len(NOTE_COLUMNS))),
        )
    return clips


def sounded(recording: Recording) -> Score:
    """The notes that sounded in a recording, on the clock of its film."""
    start = float(recording["time"][0])
    table = recording.table("played")
    columns = [
        table.values[:, table.columns.index(name)]
        for name in ("onset", "offset", "pitch", "velocity")
    ]
    return Score(
        tuple(
            Note(float(onset) - start, int(pitch), float(offset) - start, int(velocity))
            for onset, offset, pitch, velocity in zip(*columns, strict=True)
        )
    )


def sound_of(path: Path, out: Path) -> None:
    """Synthesises what sounded in a recording, on the clock of its film.

    Args:
        path: of the recording.
        out: sound file.
    """
    with Recording.open(path) as recording:
        played = sounded(recording)
    write_wav(out, synthesise(played, sample_rate=SAMPLE_RATE), SAMPLE_RATE)


def hear(sound: Path, pieces: Path, out: Path) -> None:
    """Transcribes the sound to where `watch` goes on from, so that its cost is told apart.

    Args:
        sound: the sound file.
        pieces: folder of the pieces of the watching to come.
        out: file of the notes.
    """
    pieces.mkdir(parents=True, exist_ok=True)
    score = transcribe(sound, out=pieces, progress=print_progress)
    write_file(out, json.dumps(score_to_dict(score)))


def print_progress(done: float, total: float) -> None:
    """Prints seconds of music done."""
    print(f"  {done:.0f} of {total:.0f} s", flush=True)


def play_again(folder: Path, out: Path) -> None:
    """Plays what was watched, with the person's motion as a prior.

    Args:
        folder: of the demonstration.
        out: file of the notes that sounded.
    """
    demonstration = open_demonstration(folder)
    settings = PlayerSettings("muscle", like=dict(demonstration.clips))
    result = perform(demonstration.score, settings)
    write_file(out, json.dumps({"played": score_to_dict(result.played)}))


def report(args: Args, score: Score, path: Path, costs: Costs) -> None:
    """Prints the figures, and writes them and the page.

    Args:
        args: of the command line.
        score: the piece.
        path: of the recording.
        costs: of all stages.
    """
    demonstration = open_demonstration(args.out / "watched")
    content = json.loads((args.out / "again.json").read_text(encoding="utf-8"))
    again = score_from_dict(content["played"])
    with Recording.open(path) as recording:
        start = float(recording["time"][0])
        performed = sounded(recording)
    heard = keyboard_score(demonstration.score)
    written = later(score, -start)
    rows = [
        ("heard, against performed", performed, heard),
        ("played again, against heard", heard, again),
        ("played again, against performed", performed, again),
        ("played again, against written", written, again),
        ("performed, against written", written, performed),
    ]
    table = []
    figures: dict[str, Any] = {}
    for name, truth, notes in rows:
        metrics = score_performance(keyboard_score(truth), notes)
        figures[name] = metrics.onset_f1_50ms
        cells = (metrics.onset_f1_50ms, metrics.frame_f1_micro, metrics.velocity_f1)
        table.append((name, str(len(truth)), *(f"{value:.3f}" for value in cells)))
    minutes = sum(
        seconds
        for name, seconds in costs.seconds.items()
        if name in {"heard", "watched", "played again"}
    )
    figures["watched"] = dict(demonstration.figures)
    figures["processor_s"] = costs.seconds
    figures["peak_mb"] = costs.megabytes
    write_file(args.out / "watch_long.json", json.dumps(figures, indent=1))
    columns = ("which notes", "notes", "onset F1", "frame F1", "Velocity F1")
    text = markdown_table(columns, table)
    stages = markdown_table(
        ("stage", "minutes of a core"),
        [(name, f"{seconds / 60:.1f}") for name, seconds in costs.seconds.items()],
    )
    summary = (
        f"{demonstration.figures['duration_s'] / 60:.1f} minutes of film. Watching and playing "
        f"again take {minutes / 60:.1f} minutes of a core; the peak of memory is "
        f"{costs.megabytes:.0f} MB."
    )
    print(f"{text}\n\n{stages}\n\n{summary}")
    if args.results:
        body = f"{' '.join(PROSE.split())}\n\n{summary}\n\n{text}\n\n{stages}"
        write_results_page("watching_long", TITLE, command_of(__file__, args), body)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
