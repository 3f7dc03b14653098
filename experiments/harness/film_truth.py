"""The exact truth of a rendered film: camera, hands and notes, in one HDF5 file.

All times are in seconds from the film's first picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.atomic import temporary_path
from musclehand.core.errors import FileError
from musclehand.core.hdf5 import DAMAGE, LIBVER, first_line, load_dataset, open_hdf5
from musclehand.motion.clip import MotionClip, read_clip, write_clip
from musclehand.music.formats.score_json import score_from_dict, score_to_dict
from musclehand.music.score import Hand, Score
from musclehand.watch.view import KeyboardView

FORMAT = "musclehand-film-truth 1"

SIDES = {Hand.LEFT: Side.LEFT, Hand.RIGHT: Side.RIGHT}
"""Hands of a score, in the order of the arrays, and sides of the model."""


class TruthError(FileError):
    """A file that holds no truth of a film, or a damaged one."""


@dataclass(frozen=True, eq=False)
class FilmTruth:
    """What a rendered film shows."""

    time: np.ndarray
    """[s] Times of the pictures. Shape (T,)."""

    view: KeyboardView
    """The camera."""

    points: np.ndarray
    """[m] The 21 points of the left and the right hand in the world, in the order of
    `FilmStage.points`; NaN for a hand that is not there. Shape (T, 2, 21, 3)."""

    pixels: np.ndarray
    """[pixels] The same points in the picture. Shape (T, 2, 21, 2)."""

    clips: Mapping[Side, MotionClip]
    """Joint angles and forearms, one frame for each picture."""

    asked: Score
    """The notes that were to be played, with hands and fingers."""

    played: Score
    """The notes that sound in the film."""

    source: Mapping[str, str]
    """How the film was made."""


def write_truth(path: Path, truth: FilmTruth) -> None:
    """Writes a truth, complete or not at all.

    Args:
        path: of the file.
        truth: of a film.

    Raises:
        OutputError: the file cannot be written.
    """
    view = truth.view
    header = {
        "view": {
            "size": list(view.size),
            "focal": view.focal,
            "rotation": view.rotation.tolist(),
            "position": view.position.tolist(),
            "lowest": view.lowest,
            "highest": view.highest,
        },
        "asked": score_to_dict(truth.asked),
        "played": score_to_dict(truth.played),
        "source": dict(truth.source),
    }
    arrays = {
        "header": np.frombuffer(json.dumps(header).encode(), dtype="u1"),
        "time": np.asarray(truth.time, dtype="<f8"),
        "points": np.asarray(truth.points, dtype="<f4"),
        "pixels": np.asarray(truth.pixels, dtype="<f4"),
    }
    with temporary_path(path) as part, h5py.File(part, "w", libver=LIBVER) as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        for name, values in arrays.items():
            file.create_dataset(
                name, data=values, chunks=values.shape, fletcher32=True, track_times=False
            )
        clips = file.create_group("clips")
        for clip in truth.clips.values():
            write_clip(clips, clip)


def read_truth(path: Path) -> FilmTruth:
    """Reads what `write_truth` wrote.

    Args:
        path: of the file.

    Raises:
        TruthError: the file is missing, of another kind, or damaged.
    """
    kinds = {"header": "u1", "time": "<f8", "points": "<f4", "pixels": "<f4"}
    with open_hdf5(path, TruthError) as file:
        try:
            if bytes(file.attrs["format"]) != FORMAT.encode():
                raise TruthError(path, f"not of the format {FORMAT}")
            arrays = {
                name: load_dataset(
                    file, name, path=path, dtypes=(np.dtype(kind),), error=TruthError
                )
                for name, kind in kinds.items()
            }
            header: dict[str, Any] = json.loads(arrays["header"].tobytes())
            view = header["view"]
            clips = [read_clip(file["clips"], str(name)) for name in sorted(file["clips"])]
            return FilmTruth(
                time=arrays["time"],
                view=KeyboardView(
                    size=(int(view["size"][0]), int(view["size"][1])),
                    focal=float(view["focal"]),
                    rotation=np.array(view["rotation"], dtype=float),
                    position=np.array(view["position"], dtype=float),
                    lowest=int(view["lowest"]),
                    highest=int(view["highest"]),
                ),
                points=arrays["points"],
                pixels=arrays["pixels"],
                clips={clip.side: clip for clip in clips},
                asked=score_from_dict(header["asked"]),
                played=score_from_dict(header["played"]),
                source=header["source"],
            )
        except DAMAGE as error:
            raise TruthError(path, f"damaged ({first_line(error)})") from error
