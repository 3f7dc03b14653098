"""The stages that turn a film into a demonstration, each of which writes its files.

keyboard   pictures -> camera
hands      film -> landmarks of both hands
notes      sound or score file -> notes
fingers    landmarks and notes -> clock, hands and fingers
motion     landmarks and fingers -> joint angles and forearms
check      pictures to look at
figures    how well everything agrees
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import musclehand
from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.progress import Progress
from musclehand.motion.clip import write_clips
from musclehand.motion.person import with_unseen
from musclehand.music.formats.midi import write_midi
from musclehand.music.formats.pig import write_pig
from musclehand.music.formats.reading import read_score
from musclehand.music.formats.score_json import score_from_dict, score_to_dict
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Score
from musclehand.watch.check_film import FilmPictures, draw_film, draw_sheet
from musclehand.watch.cross_check import KEPT
from musclehand.watch.drawing import CheckDrawing
from musclehand.watch.film import Film, open_film
from musclehand.watch.film_reading import read_film
from musclehand.watch.fingers_file import finger_rows, read_fingers, write_fingers
from musclehand.watch.inputs import WatchInputs
from musclehand.watch.keyboard_band import hand_band, sample_pictures
from musclehand.watch.landmarks import HandLandmarks, landmarks_at
from musclehand.watch.landmarks_file import read_landmarks, write_landmarks
from musclehand.watch.lift import lift
from musclehand.watch.networks import HandNetworks, find_networks
from musclehand.watch.stages import Stages
from musclehand.watch.track_hands import detect_hands, orientation_fault
from musclehand.watch.transcribe import transcribe
from musclehand.watch.view_corners import view_of_corners
from musclehand.watch.view_file import read_view, write_view
from musclehand.watch.view_search import find_keyboard

FILES = {
    "notes": "notes.mid",
    "score": "score.txt",
    "fingers": "fingers.csv",
    "view": "view.json",
    "landmarks": "landmarks.h5",
    "motion": "motion.h5",
    "picture": "check.png",
    "video": "check.mp4",
    "figures": "watch.json",
    "log": "watch.log",
}
"""Names of the files of a demonstration."""

PIECES = "pieces"
"""Folder within the working folder for pieces of stages and for what only stages read."""

STAGE_NAMES = ("keyboard", "hands", "notes", "fingers", "motion", "check", "figures")
"""The stages in their order."""

_HEARD = f"{PIECES}/heard.json"
_FIRST_VIEW = f"{PIECES}/keyboard.json"
_FINGERED = f"{PIECES}/fingered.json"
_MOTION_FIGURES = f"{PIECES}/motion.json"


@dataclass(frozen=True, eq=False)
class Watching:
    """A film that is being watched."""

    inputs: WatchInputs
    """What was given."""

    film: Film | None
    """The film; None where there are landmarks alone."""

    given: HandLandmarks | None
    """Landmarks that were given."""

    networks: HandNetworks | None
    """Networks that detect hands, where none were given."""

    hashes: dict[str, str]
    """Hashes of the files that were given, and of the networks."""

    @classmethod
    def open(cls, inputs: WatchInputs) -> Watching:
        """Opens and checks everything that is given, before anything is written.

        Args:
            inputs: files and options.

        Raises:
            MusclehandError: a file cannot be used, or a network is missing.
        """
        film = open_film(inputs.film) if inputs.has_film else None
        given = None
        networks = None
        if film is None or inputs.landmarks is not None:
            given = read_landmarks(inputs.landmarks or inputs.film)
        else:
            networks = find_networks(inputs.hand_model)
        if film is not None and given is not None and given.size != film.size:
            problem = f"are of pictures of {given.size} pixels, the film's have {film.size}"
            raise FileError(inputs.landmarks or inputs.film, problem)
        if film is not None and not film.has_sound and inputs.midi is inputs.sound is None:
            problem = "has no sound; give its notes (--midi) or a recording of it (--sound)"
            raise FileError(inputs.film, problem)
        if inputs.midi is not None:
            read_score(inputs.midi)
        hashes = inputs.hashes()
        if networks is not None:
            hashes["networks"] = " ".join(networks.sha256)
        return cls(inputs, film, given, networks, hashes)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture [pixels]."""
        source = self.film if self.film is not None else self.given
        assert source is not None
        return source.size

    @property
    def start(self) -> float:
        """First time that is watched [s]."""
        return 0.0 if self.inputs.clip is None else self.inputs.clip[0]

    @property
    def stop(self) -> float | None:
        """Last time that is watched [s]; None for the end."""
        return None if self.inputs.clip is None else self.inputs.clip[1]

    def run(
        self, stages: Stages, progress_of: Callable[[str], AbstractContextManager[Progress | None]]
    ) -> None:
        """Does all stages that are not finished.

        Args:
            stages: of the working folder.
            progress_of: gives the progress of a stage.

        Raises:
            MusclehandError: film, notes and hands contradict each other, or cannot be used.
        """
        (stages.folder / PIECES).mkdir(exist_ok=True)
        options = {"clip": self.inputs.clip, "rate": self.inputs.rate}
        rows: tuple[tuple[str, Callable[..., None], dict[str, Any], list[str]], ...] = (
            ("keyboard", self._find_keyboard, self._view_options(), [_FIRST_VIEW]),
            ("hands", self._find_hands, options, [FILES["landmarks"]]),
            ("notes", self._find_notes, options, [_HEARD]),
            (
                "fingers",
                self._find_fingers,
                {},
                [*(FILES[name] for name in ("notes", "score", "fingers", "view")), _FINGERED],
            ),
            ("motion", self._find_motion, {}, [FILES["motion"], _MOTION_FIGURES]),
            ("check", self._draw_check, {}, [FILES["picture"], FILES["video"]]),
            ("figures", self._write_figures, {}, [FILES["figures"], FILES["log"]]),
        )
        earlier: list[str] = []
        for name, compute, given, files in rows:
            inputs = {**self.hashes, **given, **stages.hashes(*earlier)}
            with progress_of(name) as progress:
                stages.run(
                    name,
                    partial(compute, stages.folder, progress),
                    inputs=inputs,
                    files=files,
                )
            earlier.append(name)

    def _view_options(self) -> dict[str, Any]:
        """What the camera depends on beside the files."""
        return {
            "corners": self.inputs.corners,
            "lowest": self.inputs.lowest,
            "clip": self.inputs.clip,
        }

    def _find_keyboard(self, folder: Path, progress: Progress | None) -> None:
        """Writes the camera as it is before contacts refine it."""
        inputs = self.inputs
        if inputs.view is not None:
            view = read_view(inputs.view)
            if view.size != self.size:
                problem = f"is of pictures of {view.size} pixels, not {self.size}"
                raise FileError(inputs.view, problem)
        elif self.film is None:
            assert inputs.corners is not None
            view = view_of_corners(np.array(inputs.corners), self.size, inputs.lowest_pitch, None)
        else:
            pictures = sample_pictures(self.film, self.start, self.stop)
            corners = None if inputs.corners is None else np.array(inputs.corners)
            view = find_keyboard(pictures, corners=corners, lowest=inputs.lowest_pitch)
        write_view(folder / _FIRST_VIEW, view)

    def _find_hands(self, folder: Path, progress: Progress | None) -> None:
        """Writes the landmarks of both hands; their times count from the start of the clip."""
        if self.given is not None:
            landmarks = self.given
            stop = np.inf if self.stop is None else self.stop
            inside = (landmarks.time >= self.start) & (landmarks.time < stop)
            if inside.sum() < 2:
                raise InvalidValue("clip", self.inputs.clip, "a part of the landmarks' time")
            landmarks = landmarks_at(landmarks, inside)
        else:
            assert self.film is not None
            assert self.networks is not None
            landmarks = detect_hands(
                self.film,
                networks=self.networks,
                rate=self.inputs.rate,
                band=hand_band(read_view(folder / _FIRST_VIEW)),
                start=self.start,
                stop=self.stop,
                out=folder / PIECES,
                progress=progress,
            )
        fault = orientation_fault(landmarks)
        if fault is not None:
            raise FileError(self.inputs.film, fault)
        write_landmarks(
            folder / FILES["landmarks"], replace(landmarks, time=landmarks.time - self.start)
        )

    def _find_notes(self, folder: Path, progress: Progress | None) -> None:
        """Writes the notes as they were heard or given, on their own clock."""
        inputs = self.inputs
        if inputs.midi is not None:
            score = read_score(inputs.midi)
        else:
            sound = inputs.sound or inputs.film
            clip = inputs.clip if inputs.sound is None else None
            score = transcribe(sound, clip=clip, out=folder / PIECES, progress=progress)
            if not len(score):
                raise FileError(sound, "has no note of a piano in its sound")
        write_file(folder / _HEARD, json.dumps(score_to_dict(score)))

    def _find_fingers(self, folder: Path, progress: Progress | None) -> None:
        """Writes the notes of the film, their hands and fingers, and the camera refined by them."""
        landmarks = read_landmarks(folder / FILES["landmarks"])
        view = read_view(folder / _FIRST_VIEW)
        reading = read_film(
            landmarks,
            view,
            _read_json_score(folder / _HEARD),
            heard=self.inputs.midi is None,
            same_clock=self.inputs.midi is self.inputs.sound is None,
        )
        watched = reading.watched
        write_view(folder / FILES["view"], reading.view)
        write_midi(watched.score, folder / FILES["notes"])
        write_pig(reading.sure_score, folder / FILES["score"])
        rows = finger_rows(watched, reasons=reading.reasons, dropped=reading.dropped)
        write_fingers(folder / FILES["fingers"], rows)
        content = {"score": score_to_dict(watched.score), "figures": reading.figures()}
        write_file(folder / _FINGERED, json.dumps(content))

    def _find_motion(self, folder: Path, progress: Progress | None) -> None:
        """Writes the motion of both hands."""
        lifted = lift(
            read_landmarks(folder / FILES["landmarks"]),
            read_view(folder / FILES["view"]),
            _read_fingered(folder),
            out=folder / PIECES,
            progress=progress,
        )
        clips = [
            with_unseen(clip, ~lifted.seen[side], start=lifted.start)
            for side, clip in lifted.clips.items()
        ]
        write_clips(folder / FILES["motion"], clips)
        write_file(folder / _MOTION_FIGURES, json.dumps(lifted.figures()))

    def _drawing(self, folder: Path) -> CheckDrawing:
        """What is drawn over the film."""
        return CheckDrawing(
            read_view(folder / FILES["view"]),
            read_landmarks(folder / FILES["landmarks"]),
            _read_fingered(folder),
        )

    def _draw_check(self, folder: Path, progress: Progress | None) -> None:
        """Writes the pictures for a user's own check."""
        drawing = self._drawing(folder)
        pictures = FilmPictures(self.film, self.size, self.start, self.stop)
        draw_sheet(folder / FILES["picture"], drawing, pictures)
        draw_film(folder / FILES["video"], drawing, pictures, progress)

    def _write_figures(self, folder: Path, progress: Progress | None) -> None:
        """Writes how well everything agrees, in numbers and in words."""
        landmarks = read_landmarks(folder / FILES["landmarks"])
        view = read_view(folder / FILES["view"])
        fingered = json.loads((folder / _FINGERED).read_text(encoding="utf-8"))
        figures = {
            "musclehand": musclehand.__version__,
            "inputs": self.hashes,
            "duration_s": float(landmarks.time[-1]),
            "hands": hand_figures(landmarks),
            "keyboard": {
                "lowest": pitch_name(view.lowest),
                "highest": pitch_name(view.highest),
                "residual_mm": 1e3 * view.residual,
            },
            "fingers": fingered["figures"],
            "motion": json.loads((folder / _MOTION_FIGURES).read_text(encoding="utf-8")),
        }
        write_file(folder / FILES["figures"], json.dumps(figures, indent=1))
        remarks = score_from_dict(fingered["score"]).remarks
        lines = [f"musclehand {musclehand.__version__}: {self.inputs.film.name}", *remarks]
        lines += _dropped(folder / FILES["fingers"])
        write_file(folder / FILES["log"], "".join(f"{line}\n" for line in lines))


def hand_figures(landmarks: HandLandmarks) -> dict[str, float]:
    """Share of pictures in which each hand is, and of those bridged.

    Args:
        landmarks: of the film.
    """
    return {
        "left_in_view": float(landmarks.detected[:, 0].mean()),
        "right_in_view": float(landmarks.detected[:, 1].mean()),
        "bridged": float(landmarks.bridged.mean()),
    }


def _read_json_score(path: Path) -> Score:
    """The score of a finished stage."""
    return score_from_dict(json.loads(path.read_text(encoding="utf-8")))


def _read_fingered(folder: Path) -> Score:
    """The notes with all hands and fingers, in the time of the film."""
    content = json.loads((folder / _FINGERED).read_text(encoding="utf-8"))
    return score_from_dict(content["score"])


def _dropped(path: Path) -> list[str]:
    """A line for each note that was heard and dropped, from the table of fingers."""
    return [
        f"{pitch_name(row.pitch)} at {row.onset:.2f} s: {row.kept}"
        for row in read_fingers(path)
        if row.choice is None and row.kept != KEPT
    ]
