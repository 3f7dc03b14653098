"""The page of a performance: complete in itself, small, and true to the recording."""

import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import mujoco
import numpy as np
import pytest

from musclehand.core.errors import OutputError
from musclehand.core.recording import Channel, Recording, RecordingWriter
from musclehand.core.recording_reader import RecordingError
from musclehand.music.synth import synthesise
from musclehand.performance.page.build import build_page
from musclehand.performance.page.notes import read_score
from musclehand.performance.report import write_page
from support.page_arrays import unpack
from support.swinging_hands import BRUSHED, PLAYED, SCORE, SECONDS, START, STEP, TITLE


@pytest.fixture(scope="module")
def page(folder):
    return write_page(folder).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Collects elements, and what is in scripts."""

    def __init__(self):
        super().__init__()
        self.elements, self.scripts = [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def elements(page):
    parser = Elements()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def data(elements):
    return json.loads(elements.scripts[0])


def test_the_page_asks_for_nothing_outside(page, elements):
    assert not re.findall(r"https?:|//[a-z]+\.|@import|\burl\(", page.replace(TITLE, ""))
    addresses = [
        value
        for _, attributes in elements.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action")
    ]
    assert addresses == ["data:,"]
    policy = next(
        attributes["content"]
        for tag, attributes in elements.elements
        if tag == "meta" and "http-equiv" in attributes
    )
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_texts_of_the_score_stay_texts(page, elements, data):
    assert "<b>Waltz" not in page
    assert len(elements.scripts) == 2
    assert [tag for tag, _ in elements.elements].count("script") == 2
    assert data["rate"] == 50


def test_controls_have_names(elements):
    for tag, attributes in elements.elements:
        if tag == "input" and attributes["type"] == "range":
            assert attributes["aria-label"] == "Time"
        if tag == "canvas" and "id" in attributes:
            assert "role" in attributes or attributes["aria-hidden"] == "true"


def test_a_minute_stays_far_under_25_megabytes(folder, page):
    music = len(page) / (SECONDS - START) * 60
    assert music < 25e6
    assert len(page) < 1.5e6


def test_bodies_are_where_the_recording_has_them(scene, folder, data):
    model = scene.model
    state = mujoco.MjData(model)
    places = unpack(data["places"]).reshape(data["frames"], -1, 3)
    turns = unpack(data["turns"]).reshape(data["frames"], -1, 4)
    with Recording.open(folder / "recording.h5") as recording:
        for frame in (0, 40, data["frames"] - 1):
            time = data["start"] + frame / data["rate"]
            row = int(np.argmin(np.abs(recording["time"][:] - time)))
            assert recording["time"][row] == pytest.approx(time, abs=1e-6)
            state.qpos[:] = recording["qpos"][row]
            mujoco.mj_kinematics(model, state)
            distance = np.linalg.norm(places[frame][:, None] - state.xpos, axis=2)
            length = np.linalg.norm(turns[frame], axis=1, keepdims=True)
            cosine = np.abs(turns[frame] / length @ state.xquat.T)
            assert ((distance < 1e-4) & (cosine > 1 - 1e-7)).any(axis=1).all()
    assert np.linalg.norm(turns, axis=2) == pytest.approx(1.0, abs=2e-4)
    assert ((turns[1:] * turns[:-1]).sum(axis=2) > 0).all(), "no quaternion changes its sign"


def test_muscles_run_along_mujocos_paths(scene, folder, data):
    model = scene.model
    state = mujoco.MjData(model)
    places = unpack(data["places"]).reshape(data["frames"], -1, 3)
    turns = unpack(data["turns"]).reshape(data["frames"], -1, 4)
    wraps = unpack(data["wraps"]).reshape(data["frames"], -1, 2, 3)
    frame = 40
    with Recording.open(folder / "recording.h5") as recording:
        time = data["start"] + frame / data["rate"]
        state.qpos[:] = recording["qpos"][int(np.argmin(np.abs(recording["time"][:] - time)))]
    mujoco.mj_kinematics(model, state)
    mujoco.mj_comPos(model, state)
    mujoco.mj_tendon(model, state)
    xpos = state.wrap_xpos.reshape(-1, 3)

    def world(body, local):
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, turns[frame, body])
        return places[frame, body] + matrix.reshape(3, 3) @ local

    for muscle in data["muscles"]:
        tendon = model.tendon(muscle["name"]).id
        first, count = state.ten_wrapadr[tendon], state.ten_wrapnum[tendon]
        kinds = state.wrap_obj.ravel()[first : first + count]
        expected = xpos[first : first + count][kinds != -2]
        points = []
        for branch in muscle["path"]:
            for body, *rest in branch:
                if len(rest) == 3:
                    points.append(world(body, rest))
                else:
                    locals_ = wraps[frame, rest[0]]
                    points += [world(body, local) for local in locals_ if not np.isnan(local[0])]
        assert np.array(points) == pytest.approx(expected, abs=2e-4), muscle["name"]


def test_keys_turn_about_their_hinges(scene, folder, data):
    model = scene.model
    state = mujoco.MjData(model)
    angle = unpack(data["angles"])[data["frames"] - 48]
    state.qpos[scene.keys.qpos] = angle
    mujoco.mj_kinematics(model, state)
    assert angle.max() > 0.02
    for key, box in enumerate(data["keys"]):
        hinge, centre = np.array(box["hinge"]), np.array(box["centre"])
        sine, cosine = np.sin(angle[key]), np.cos(angle[key])
        turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
        expected = state.geom_xpos[scene.keys.geom[key]]
        assert hinge + turn @ (centre - hinge) == pytest.approx(expected, abs=3e-5)


def test_activations_are_those_of_the_recording(folder, data):
    shown = unpack(data["activations"])
    with Recording.open(folder / "recording.h5") as recording:
        names = recording["act"].names
        times = recording["time"][:]
        grid = data["start"] + np.arange(data["frames"]) / data["rate"]
        exact = [np.interp(grid, times, column) for column in recording["act"][:].T]
    assert [muscle["name"] for muscle in data["muscles"]] == list(names)
    assert shown == pytest.approx(np.array(exact).T, abs=6e-4)


def test_notes_are_hit_missed_extra_or_brushed(data):
    kinds = {(note["pitch"], note["kind"]) for note in data["notes"]}
    assert kinds == {
        (60, "hit"),
        (64, "missed"),
        (67, "hit"),
        (70, "extra"),
        (BRUSHED, "brushed"),
    }
    first = next(note for note in data["notes"] if note["pitch"] == 60)
    assert first["written"] == [0.0, 0.4]
    assert first["played"] == pytest.approx([0.02, 0.41])
    assert first["hand"] == 1
    brushed = next(note for note in data["notes"] if note["kind"] == "brushed")
    assert brushed["played"] == pytest.approx([0.3, 0.35], abs=2 * STEP)


def test_tables_are_read_as_they_were_written(folder):
    with Recording.open(folder / "recording.h5") as recording:
        assert read_score(recording, "score").notes == SCORE.notes
        assert read_score(recording, "nothing").notes == ()


def test_the_sound_begins_with_the_recording(data, tmp_path):
    import subprocess

    from imageio_ffmpeg import get_ffmpeg_exe

    (tmp_path / "sound.mp3").write_bytes(b64decode(data["sound"]))
    command = [get_ffmpeg_exe(), "-i", "sound.mp3", "-f", "f32le", "-ac", "1", "-ar", "44100", "-"]
    raw = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    heard = np.frombuffer(raw, dtype=np.float32)
    assert len(heard) / 44100 == pytest.approx(SECONDS - STEP - START, abs=0.05)
    written = synthesise(PLAYED, sample_rate=44100)
    written = written.mean(axis=1) if written.ndim > 1 else written
    whole = np.zeros(len(heard))
    first = round(-START * 44100)
    stop = min(len(whole), first + len(written))
    whole[first:stop] = written[: stop - first]
    spectrum = np.fft.rfft(heard, 2 * len(heard)) * np.conj(np.fft.rfft(whole, 2 * len(heard)))
    lag = int(np.fft.irfft(spectrum).argmax())
    lag = lag if lag < len(heard) else lag - 2 * len(heard)
    assert abs(lag) < 0.001 * 44100


def test_a_performance_without_hands_has_a_page(tmp_path):
    from musclehand.performance.play import play

    play("ode_to_joy", clip=(0, 1), controller="keyboard", out=tmp_path)
    parser = Elements()
    parser.feed((tmp_path / "performance.html").read_text(encoding="utf-8"))
    data = json.loads(parser.scripts[0])
    assert data["muscles"] == data["bones"] == []
    assert {note["kind"] for note in data["notes"]} == {"hit"}


def test_without_recording_or_sound_it_says_so(folder, tmp_path):
    with pytest.raises(RecordingError, match=r"recording\.h5"):
        write_page(tmp_path)
    with pytest.raises(OutputError, match="no such sound"):
        build_page(folder / "recording.h5", tmp_path / "played.wav")
    with RecordingWriter(tmp_path / "recording.h5", {"time": Channel("s")}) as writer:
        writer.append(time=0.0)
    with pytest.raises(RecordingError, match="nothing to show"):
        write_page(tmp_path)
    assert not (tmp_path / "performance.html").exists()
