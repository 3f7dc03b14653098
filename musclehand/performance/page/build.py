"""The page of a performance, made of its recording and sound: one file, which needs no network.

    page = build_page("ode/recording.h5", "ode/played.wav")

The hands are drawn by the page itself, into a plain canvas: WebGL, and pages that viewers export,
make browsers without a graphics card write warnings to their console.
"""

from __future__ import annotations

from base64 import b64encode
from importlib.resources import files
from os import PathLike
from typing import Any

import numpy as np

from musclehand.body.build.hand import HandDesign
from musclehand.body.build.tables import load_tables
from musclehand.core.html_page import Html, build_document, data_block, element, script
from musclehand.core.recording import Recording, RecordingError
from musclehand.music.metrics import score_performance
from musclehand.performance.page.motion import RATE, Motion, sample_motion
from musclehand.performance.page.notes import ShownNote, read_score, shown_notes
from musclehand.performance.page.pack import pack
from musclehand.performance.page.shapes import (
    Box,
    bones_of,
    case_boxes,
    key_boxes,
    muscle_paths,
)
from musclehand.performance.page.shapes import (
    Path as MusclePath,
)
from musclehand.sim.render.sound import encode_mp3
from musclehand.sim.render.stage import ACTIVE_RGB, REST_RGB, Stage

BONE_EDGE = 0.0025
"""Bones are simplified to triangles of this edge [m], some four pixels of a page."""

PLACE_UNIT = 4e-5
"""[m] resolution of bodies in the world: 1.3 m either way."""

SHAPE_UNIT = 1e-5
"""[m] resolution of places in the frame of a body: 0.3 m either way."""

TURN_UNIT = 1 / 32767
"""Resolution of quaternions."""

ACTIVATION_UNIT = 1e-3
"""Resolution of activations."""

ANGLE_UNIT = 1e-5
"""[rad] Resolution of the angles of keys."""

FADE = 0.8
"""[s] The sound fades at the end of the recording."""

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; media-src data:"
)
"""What the page may load: nothing that is not in it."""


def build_page(
    path: str | PathLike[str], sound: str | PathLike[str], *, design: HandDesign | None = None
) -> str:
    """The page of a performance as HTML.

    Args:
        path: the recording.
        sound: a sound file that begins at time 0 of the score.
        design: the hands that played; the bundled ones where None.

    Raises:
        RecordingError: the recording is missing, damaged, or of another model.
        OutputError: the sound is missing.
    """
    with Recording.open(path) as recording:
        if "key_angle" not in recording.channels or recording.num_rows < 2:
            raise RecordingError(recording.path, "has no keys that move; there is nothing to show")
        times = np.asarray(recording["time"][:], dtype=float)
        music = encode_mp3(sound, times, hold=0.0, fade=min(FADE, times[-1] - times[0]))
        content = page_data(recording, design=design)
        score, played = read_score(recording, "score"), read_score(recording, "played")
        title = " ".join(str(recording.metadata.get("title", "")).split()) or "Untitled"
        player = str(recording.metadata.get("controller", ""))
    content["sound"] = b64encode(music).decode("ascii")
    metrics = score_performance(score, played)
    hits = metrics.num_reference - metrics.missed
    brushed = sum(note["kind"] == "brushed" for note in content["notes"])
    lead = (
        f"{hits} of {metrics.num_reference} notes hit, {metrics.missed} missed, {metrics.extra} "
        f"extra, {brushed} keys brushed without a sound. Played by {player}."
    )
    return _document(title, lead, content)


def page_data(recording: Recording, *, design: HandDesign | None = None) -> dict[str, Any]:
    """Everything but the sound that the page shows, as it stands in it.

    Args:
        recording: of a performance.
        design: the hands that played; the bundled ones where None.

    Raises:
        RecordingError: the recording was made with another model.
    """
    stage = Stage(recording, bone_edge=BONE_EDGE, design=design)
    scene, model = stage.scene, stage.model
    muscles = recording["act"].names if "act" in recording.channels else ()
    tendons = np.array([model.tendon(name).id for name in muscles], dtype=int)
    bones = bones_of(model)
    paths, slots = muscle_paths(model, tendons)
    fixed = {point.body for path in paths for branch in path for point in branch}
    bodies = sorted({bone.body for bone in bones} | fixed)
    row = {body: number for number, body in enumerate(bodies)}
    motion = sample_motion(recording, model, bodies=bodies, slots=slots)
    keys = key_boxes(scene, stage.rest_colours)
    names = {muscle.muscle: (muscle.name, muscle.group) for muscle in load_tables().muscles}
    return {
        "start": motion.start,
        "rate": RATE,
        "bones": [
            {
                "body": row[bone.body],
                "vertices": pack(bone.vertices, SHAPE_UNIT),
                "faces": pack(bone.faces, 1.0),
            }
            for bone in bones
        ],
        "case": [_box(box) for box in case_boxes(scene)],
        "keys": [_box(box) for box in keys],
        "muscles": [
            {
                "name": name,
                "full": names.get(name[:-2], (name, ""))[0],
                "group": names.get(name[:-2], ("", "others"))[1],
                "path": _path(path, row),
            }
            for name, path in zip(muscles, paths, strict=True)
        ],
        "colours": {"rest": REST_RGB.tolist(), "active": ACTIVE_RGB.tolist()},
        "notes": [_note(note) for note in shown_notes(recording, scene)],
        **_packed_motion(motion),
    }


def _packed_motion(motion: Motion) -> dict[str, Any]:
    return {
        "frames": len(motion.poses),
        "places": pack(motion.poses[:, :, :3], PLACE_UNIT),
        "turns": pack(motion.poses[:, :, 3:], TURN_UNIT),
        "wraps": pack(motion.wraps, SHAPE_UNIT),
        "activations": pack(motion.activations, ACTIVATION_UNIT),
        "angles": pack(motion.keys, ANGLE_UNIT),
    }


def _box(box: Box) -> dict[str, Any]:
    parts = {"centre": box.centre, "half": box.half, "rgb": box.rgb, "hinge": box.hinge}
    return {name: part.round(5).tolist() for name, part in parts.items() if part is not None}


def _path(path: MusclePath, row: dict[int, int]) -> list[list[list[float]]]:
    """Points as [body, x, y, z] or [body, slot]."""
    return [
        [
            [row[point.body], point.slot]
            if point.place is None
            else [row[point.body], *(round(value, 5) for value in point.place)]
            for point in branch
        ]
        for branch in path
    ]


def _note(note: ShownNote) -> dict[str, Any]:
    spans = {"written": note.written, "played": note.played}
    rounded = {
        name: None if span is None else [round(time, 4) for time in span]
        for name, span in spans.items()
    }
    return {**note._asdict(), **rounded}


def _document(title: str, lead: str, content: dict[str, Any]) -> str:
    own = files(__package__)

    def read(name: str) -> str:
        return own.joinpath(name).read_text(encoding="utf-8")

    head = [
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Html('<link rel="icon" href="data:,">'),
    ]
    body = [
        element("h1", title),
        element("p", lead, class_="lead"),
        Html(read("page.html")),
        data_block("data", content),
        script(read("picture.js") + read("page.js")),
    ]
    return build_document(title, body, style=read("page.css"), head=head)
