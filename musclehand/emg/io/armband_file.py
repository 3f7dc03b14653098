"""Text files of an eight-channel armband: eight whole numbers from -128 to 127 a line and, in some
sets, a label.

The numbers are counts of a converter whose gain the maker never stated. The rate is not in the
file; these armbands send 200 samples a second. Channel numbers are places round the arm, not
muscles, and wearers turn their armbands differently (see `emg.model.armband`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.text_file import parse_numbers, read_text
from musclehand.emg.io.timing import label_events
from musclehand.emg.recording import COUNTS, Channel, EmgFileError, EmgRecording, check_rate

NUM_ELECTRODES = 8
"""Electrodes of the armband."""

RATE_HZ = 200.0
"""[Hz] samples that it sends."""

LOWEST = -128
HIGHEST = 127
"""Range of its 8-bit converter [counts]."""

WRIST_LABELS: Mapping[str, str] = {
    "0": "hibernation",
    "1": "flexion",
    "2": "extension",
    "3": "radial deviation",
    "4": "ulnar deviation",
    "5": "pronation",
    "6": "supination",
    "7": "fist",
}
"""Labels of the myo-readings-dataset, from its README."""


def read_armband(
    path: str | PathLike[str],
    *,
    fs_hz: float = RATE_HZ,
    labels: Mapping[str, str] | None = None,
    side: Side | None = None,
) -> EmgRecording:
    """Reads one file.

    Args:
        path: the file.
        fs_hz: rate [Hz].
        labels: names of the values of the ninth number, by default `WRIST_LABELS`; others keep
            their number.
        side: of the arm.

    Returns:
        Channels "1" to "8" in counts; an event for each run of lines with the same label.

    Raises:
        EmgFileError: no such file, or a line that is not eight or nine whole numbers from -128 to
            127, as many as in the first line. Names the line.
    """
    check_rate("sampling rate", fs_hz)
    lines = read_text(path).rstrip("\n").split("\n")
    width = lines[0].count(",") + 1
    if width not in (NUM_ELECTRODES, NUM_ELECTRODES + 1):
        problem = (
            f"{width} fields; an armband's line has {NUM_ELECTRODES} numbers and perhaps a label, "
            "with commas"
        )
        raise EmgFileError(path, problem, where="line 1")
    values = parse_numbers(path, lines, width, delimiter=",", first_line=1)
    counts = values[:, :NUM_ELECTRODES]
    with np.errstate(invalid="ignore"):
        wrong = ~((counts >= LOWEST) & (counts <= HIGHEST)).all(axis=1) | (
            np.floor(values) != values
        ).any(axis=1)
    if wrong.any():
        problem = f"not whole numbers from {LOWEST} to {HIGHEST}"
        raise EmgFileError(path, problem, where=f"line {int(np.argmax(wrong)) + 1}")
    names = WRIST_LABELS if labels is None else labels
    words = (
        [f"{value:.0f}" for value in values[:, NUM_ELECTRODES]] if width > NUM_ELECTRODES else []
    )
    try:
        return EmgRecording(
            samples=counts,
            fs_hz=fs_hz,
            channels=tuple(
                Channel(str(i + 1), side=side, unit=COUNTS) for i in range(NUM_ELECTRODES)
            ),
            events=label_events(words, fs_hz, names) if words else (),
            provenance={
                "file": Path(path).name,
                "reader": "armband",
                "rate": f"{fs_hz:g} Hz, not stated in the file",
            },
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def read_armband_session(
    folder: str | PathLike[str],
    *,
    fs_hz: float = RATE_HZ,
    problems: list[EmgFileError] | None = None,
) -> dict[str, EmgRecording]:
    """Reads a session of the myo-readings-dataset: a folder "12345-1" (subject, session) of 0.txt
    to 7.txt.

    The side is that of the parent folder, if its name has right or left in it.

    Args:
        folder: of the session.
        fs_hz: rate [Hz].
        problems: list that errors of single files are added to; without it they are raised.

    Returns:
        Recordings by movement, in the order of the labels; only of files that exist.

    Raises:
        EmgFileError: no such folder, none of the files in it, or a file that cannot be read; with
            `problems` only if none can.
    """
    folder = Path(folder)
    subject, _, session = folder.name.partition("-")
    parent = folder.resolve().parent.name.lower()
    side = None
    if "right" in parent:
        side = Side.RIGHT
    elif "left" in parent:
        side = Side.LEFT
    recordings: dict[str, EmgRecording] = {}
    damaged: list[EmgFileError] = []
    for number, movement in WRIST_LABELS.items():
        path = folder / f"{number}.txt"
        if path.is_file():
            try:
                recording = read_armband(path, fs_hz=fs_hz, side=side)
            except EmgFileError as error:
                damaged.append(error)
            else:
                recordings[movement] = replace(recording, subject=subject, session=session)
    if damaged and (problems is None or not recordings):
        raise damaged[0]
    if problems is not None:
        problems.extend(damaged)
    if not recordings:
        raise EmgFileError(
            folder, "no files 0.txt to 7.txt in it" if folder.is_dir() else "no such folder"
        )
    return recordings
