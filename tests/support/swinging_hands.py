"""A performance without physics: joints swing, muscles come and go, a key is brushed."""

import numpy as np

from musclehand.core.recording import Channel, RecordingWriter
from musclehand.music.score import Hand, Note, Score
from musclehand.music.synth import synthesise, write_wav
from musclehand.performance.record import NOTE_COLUMNS, note_table
from musclehand.piano.geometry import keyboard_geometry

START, SECONDS, STEP = -0.5, 2.0, 0.004
TITLE = "</script><b>Waltz & more</b> <!--"
SCORE = Score(
    (
        Note(0.0, 60, 0.4, hand=Hand.RIGHT),
        Note(0.5, 64, 0.9, hand=Hand.LEFT),
        Note(1.0, 67, 1.2),
    )
)
PLAYED = Score((Note(0.02, 60, 0.41), Note(1.02, 67, 1.2), Note(0.6, 70, 0.8)))
BRUSHED = 72


def angles(scene, time):
    """Keys that are down while they sound, and one that is brushed."""
    geometry = keyboard_geometry(scene.piano)
    keys = np.zeros(88)
    for note in PLAYED.notes:
        if note.onset <= time < note.offset:
            keys[note.key] = geometry.full_angle[note.key]
    if 0.3 < time < 0.35:
        keys[BRUSHED - 21] = 0.5 * geometry.on_angle[BRUSHED - 21]
    return keys


def write_performance(scene, folder):
    """Writes recording and sound."""
    model = scene.model
    joints = tuple(model.joint(i).name for i in range(model.njnt))
    muscles = tuple(
        side.name_of(name) for side, hand in scene.hands.items() for name in hand.muscle_names
    )
    channels = {
        "time": Channel("s"),
        "qpos": Channel("rad or m", (model.nq,), joints, "f4"),
        "key_angle": Channel("rad", (88,), dtype="f4"),
        "act": Channel("1", (len(muscles),), muscles, "f4"),
    }
    tables = {"score": NOTE_COLUMNS, "played": NOTE_COLUMNS}
    metadata = {"title": TITLE, "controller": "Test"}
    with RecordingWriter(
        folder / "recording.h5", channels, tables=tables, metadata=metadata
    ) as writer:
        writer.extend_table("score", note_table(SCORE))
        writer.extend_table("played", note_table(PLAYED))
        for time in np.arange(START, SECONDS, STEP):
            phase = 3 * time + np.arange(model.nq)
            qpos = np.clip(0.2 + 0.2 * np.sin(phase), *model.jnt_range.T)
            qpos[scene.keys.qpos] = angles(scene, time)
            act = 0.5 + 0.5 * np.sin(2 * time + np.arange(len(muscles)))
            writer.append(time=time, qpos=qpos, key_angle=angles(scene, time), act=act)
    write_wav(folder / "played.wav", synthesise(PLAYED, sample_rate=44100), 44100)
