"""A film of playing hands from above, as people film themselves, with its exact truth.

    python experiments/make_film.py fuer_elise --out films/elise
    python experiments/make_film.py performances/etude/recording.h5 --out films/etude --camera 2
    python experiments/make_film.py piece.mid --out films/piece --tilt 20 --fallboard light

Plays a piece of the repertoire or a score, or takes a recording, and writes film.mp4 (picture and
sound), truth.h5 (`harness.film_truth`), score.txt and score.mid (what was asked, with fingers and
with pedals) and played.mid. All times are in seconds from the film's first picture. The same
arguments give the same pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from harness.film_cameras import CAMERAS, view_of
from harness.film_truth import SIDES, FilmTruth, write_truth
from harness.script import run_script
from musclehand.body.anatomy import FOREARM_AXES, HAND_JOINTS, Side
from musclehand.core.errors import InvalidValue
from musclehand.core.recording_reader import Recording
from musclehand.motion.clip import LEAD_KEPT, NOTE_COLUMNS, MotionClip
from musclehand.music.formats.midi import write_midi
from musclehand.music.formats.pig import write_pig
from musclehand.music.score import Finger, Hand, Note, Pedal, Score
from musclehand.music.sources import load_score
from musclehand.music.synth import synthesise, write_wav
from musclehand.performance.perform import perform
from musclehand.performance.record import NOTE_COLUMNS as TABLE
from musclehand.sim.render.film_stage import FilmCamera, FilmStage
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.render.video import encode_video
from musclehand.sim.scene import forearm_joint
from musclehand.watch.landmarks import TIPS

SAMPLE_RATE = 44100
"""[Hz] Of the sound."""

FADE = 0.05
"""[s] The sound ends with the film; it fades within this time, so that it does not click."""


@dataclass(frozen=True)
class Args:
    """What to film, and how."""

    piece: tyro.conf.Positional[str]
    """A piece of the repertoire, a score, or a recording (.h5)."""

    out: Path
    """Folder of the film."""

    camera: int | None = None
    """One of five cameras, 0 to 4; without it the options below, or straight from above."""

    height: float | None = None
    """[m] Height of the camera above the keys."""

    tilt: float | None = None
    """[deg] Between the view and straight down."""

    fovy: float | None = None
    """[deg] Angle of view over the height of the picture."""

    offset: float | None = None
    """[m] Point looked at along the keyboard, 0 at its centre."""

    yaw: float | None = None
    """[deg] Turn of the camera about the vertical."""

    fallboard: str = "dark"
    """Wood behind the keys: dark or light."""

    light: str = "room"
    """room, left, lamp or dim."""

    start: float = 0.0
    """[s] Where in the score the film begins."""

    seconds: float = 10.0
    """Length of the film."""

    rate: int = 15
    """[Hz] Pictures a second."""

    size: str = "1280x720"
    """[pixels] Width and height, even numbers."""

    rough: bool = False
    """Draw faster, without shadows and smooth edges."""


def main(args: Args) -> None:
    """Plays, films, and writes the truth."""
    camera = camera_of(args)
    size = _size(args.size)
    if not 1.0 <= args.seconds <= 3600.0:
        raise InvalidValue("seconds", args.seconds, "1..3600")
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(args.piece)
        pedals: tuple[Pedal, ...] = ()
        if path.suffix == ".h5":
            begin = args.start - LEAD_KEPT
        else:
            end = args.start + args.seconds - LEAD_KEPT
            score = load_score(args.piece, clip=(args.start, end))
            path = Path(folder) / "recording.h5"
            performance = perform(score, record=path)
            print(performance)
            pedals = performance.score.pedals
            begin = -LEAD_KEPT
        with Recording.open(path) as recording:
            film(recording, args, camera, size, begin=begin, pedals=pedals)
    print(args.out)


def camera_of(args: Args) -> FilmCamera:
    """The camera that the arguments describe."""
    if args.camera is not None and not 0 <= args.camera < len(CAMERAS):
        raise InvalidValue("camera", args.camera, f"0..{len(CAMERAS) - 1}")
    camera = CAMERAS[args.camera or 0]
    given = {
        "height": args.height,
        "tilt_deg": args.tilt,
        "fovy_deg": args.fovy,
        "offset": args.offset,
        "yaw_deg": args.yaw,
    }
    return replace(camera, **{name: value for name, value in given.items() if value is not None})


def film(
    recording: Recording,
    args: Args,
    camera: FilmCamera,
    size: tuple[int, int],
    *,
    begin: float,
    pedals: tuple[Pedal, ...],
) -> None:
    """Films a part of a recording and writes all files.

    Args:
        recording: of a performance.
        args: of the command line.
        camera: the viewpoint.
        size: width and height of the pictures [pixels].
        begin: time of the score at the film's first picture [s].
        pedals: of the recording's score.
    """
    stage = FilmStage(recording, camera, fallboard=args.fallboard, light=args.light)
    if args.rough:
        stage.roughen()
    time = np.arange(round(args.seconds * args.rate)) / args.rate
    points = np.full((len(time), len(SIDES), 21, 3), np.nan)

    def pictures(canvas: Canvas) -> Iterator[np.ndarray]:
        for frame, moment in enumerate(time):
            stage.pose(begin + moment)
            for side in stage.sides:
                points[frame, Hand.LEFT if side is Side.LEFT else Hand.RIGHT] = stage.points(side)
            yield stage.draw(canvas)
            if frame % args.rate == 0:
                print(f"\r{moment:6.1f} of {args.seconds:g} s", end="", flush=True)
        print("\r", end="")

    asked, played = (
        shifted(_table(recording, name, pedals), -begin, args.seconds)
        for name in ("score", "played")
    )
    sound = synthesise(played, sample_rate=SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        write_wav(wav, sound, SAMPLE_RATE)
        span = np.array([0.0, args.seconds])
        with Canvas(stage.model, *size) as canvas:
            encode_video(
                pictures(canvas),
                args.out / "film.mp4",
                size,
                args.rate,
                sound=wav,
                times=span,
                fade=FADE,
                hold=0.0,
            )
    view = view_of(camera, size)
    clips = {side: clip_of(recording, begin + time, side, points, asked) for side in stage.sides}
    source = {"title": str(recording.metadata.get("title", "")), "fallboard": args.fallboard}
    source |= {"light": args.light, "camera": str(camera), "begin_s": f"{begin:g}"}
    truth = FilmTruth(time, view, points, view.to_pixels(points), clips, asked, played, source)
    write_truth(args.out / "truth.h5", truth)
    write_pig(asked, args.out / "score.txt")
    write_midi(asked, args.out / "score.mid")
    write_midi(played, args.out / "played.mid")


def clip_of(
    recording: Recording, times: np.ndarray, side: Side, points: np.ndarray, asked: Score
) -> MotionClip:
    """The motion of a hand at the times of the pictures.

    Args:
        recording: of a performance.
        times: of the pictures on the recording's clock [s]. Shape (T,).
        side: the hand.
        points: of both hands [m]. Shape (T, 2, 21, 3).
        asked: notes of the film.
    """
    hand = Hand.LEFT if side is Side.LEFT else Hand.RIGHT
    names = list(recording["qpos"].names)
    rows = np.asarray(recording["time"][:], dtype=float)
    qpos, qvel = (np.asarray(recording[channel][:], dtype=float) for channel in ("qpos", "qvel"))

    def sampled(values: np.ndarray, wanted: list[str]) -> np.ndarray:
        columns = [np.interp(times, rows, values[:, names.index(name)]) for name in wanted]
        return np.stack(columns, axis=1)

    joints = [side.name_of(joint) for joint in HAND_JOINTS]
    notes = [
        (note.onset, note.offset, note.pitch, note.velocity, int(note.finger or 0))
        for note in asked.notes
        if note.hand is hand
    ]
    return MotionClip(
        name=f"film_{side.value}",
        kind="film",
        pattern="film",
        side=side,
        dt=float(times[1] - times[0]),
        qpos=sampled(qpos, joints),
        qvel=sampled(qvel, joints),
        forearm=sampled(qpos, [forearm_joint(side, axis) for axis in FOREARM_AXES]),
        fingertips=points[:, hand][:, list(TIPS)],
        notes=np.array(notes, dtype=float).reshape(-1, len(NOTE_COLUMNS)),
        source={"made": "rendered"},
    )


def shifted(score: Score, delay: float, seconds: float) -> Score:
    """The notes and pedals that begin within a film, on its clock.

    Args:
        score: any.
        delay: added to all times [s].
        seconds: length of the film.
    """
    notes = [
        replace(note, onset=note.onset + delay, offset=min(note.offset + delay, seconds))
        for note in score.notes
        if 0 <= note.onset + delay < seconds
    ]
    pedals = [
        Pedal(max(pedal.start + delay, 0.0), min(pedal.end + delay, seconds))
        for pedal in score.pedals
        if pedal.end + delay > 0 and pedal.start + delay < seconds
    ]
    return Score(tuple(notes), tuple(pedals), score.title)


def _table(recording: Recording, name: str, pedals: tuple[Pedal, ...]) -> Score:
    """A table of notes of a recording, as a score."""
    table = recording.table(name)
    columns = [table.columns.index(column) for column in TABLE]
    notes = [
        Note(
            onset=max(onset, 0.0),
            offset=offset,
            pitch=int(pitch),
            velocity=int(velocity),
            hand=None if hand < 0 else Hand(int(hand)),
            finger=None if finger < 1 else Finger(int(finger)),
        )
        for onset, offset, pitch, velocity, hand, finger in table.values[:, columns]
    ]
    return Score(tuple(notes), pedals, str(recording.metadata.get("title", "")))


def _size(text: str) -> tuple[int, int]:
    words = text.split("x")
    if len(words) != 2 or not all(word.isdecimal() and len(word) < 6 for word in words):
        raise InvalidValue("size", text, "width and height, such as 1280x720")
    return int(words[0]), int(words[1])


if __name__ == "__main__":
    run_script(main, Args, __doc__)
