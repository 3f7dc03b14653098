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
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError
from musclehand.core.progress import Progress
from musclehand.motion.clip import write_clips
from musclehand.music.formats.midi import write_midi
from musclehand.music.formats.pig import write_pig
from musclehand.music.formats.reading import read_score
from musclehand.music.formats.score_json import score_from_dict, score_to_dict
from musclehand.music.score import Score
from musclehand.watch.film import Film, open_film
from musclehand.watch.inputs import WatchInputs
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.landmarks_file import read_landmarks, write_landmarks
from musclehand.watch.networks import HandNetworks, find_networks
from musclehand.watch.stages import Stages
from musclehand.watch.track_hands import detect_hands, orientation_fault
from musclehand.watch.transcribe import transcribe
from musclehand.watch.view import KeyboardView

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
"""Folder within the working folder for pieces of unfinished stages and for what only stages read."""
