"""The film of the tests and its truth."""

import sys

import numpy as np

from support.paths import EXPERIMENTS, TESTS

FOLDER = TESTS / "data" / "watch"

FILM = FOLDER / "film.mp4"


def film_truth(path=FOLDER / "truth.h5"):
    """The truth of a film, a `FilmTruth`."""
    sys.path.insert(0, str(EXPERIMENTS))
    from harness.film_truth import read_truth

    return read_truth(path)


def film_pictures(indices, path=FILM):
    """Pictures of a film by their numbers. A list of arrays (height, width, 3), uint8."""
    from imageio_ffmpeg import read_frames

    wanted = set(indices)
    frames = read_frames(str(path))
    width, height = next(frames)["size"]
    return [
        np.frombuffer(frame, np.uint8).reshape(height, width, 3)
        for number, frame in enumerate(frames)
        if number in wanted
    ]
