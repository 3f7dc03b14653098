"""Pictures and films of a recording: the right things in view, in the right colours, at the
right time."""

import re
import subprocess
import wave

import mujoco
import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, OutputError, UnknownName
from musclehand.core.recording import Channel, Recording, RecordingError, RecordingWriter
from musclehand.music.score import Note, Score
from musclehand.performance.perform import perform
from musclehand.performance.record import NOTE_COLUMNS, note_table
from musclehand.sim.render import opengl
from musclehand.sim.render.mesh import simplify_meshes
from musclehand.sim.render.opengl import Canvas, choose_backend
from musclehand.sim.render.stage import ACTIVE_RGB, REST_RGB, RIGHT_RGBA, WRONG_RGBA, Stage
from musclehand.sim.render.video import HOLD, render_still, render_video
from musclehand.sim.scene import build_scene

ASKED = Score((Note(0.0, 60, 0.5), Note(0.5, 64, 1.0)), title="Zwei Töne")
PLAYED = Score((Note(0.02, 60, 0.5), Note(0.5, 65, 1.0)))


def _problem():
    try:
        choose_backend()
    except OutputError as error:
        return str(error)
    return None


needs_opengl = pytest.mark.skipif(_problem() is not None, reason=f"no OpenGL: {_problem()}")


@pytest.fixture(scope="module")
def keyboard(tmp_path_factory):
    """A recording of the keyboard alone that was asked for C E and played C F."""
    scene = build_scene(sides=())
    path = tmp_path_factory.mktemp("render") / "recording.h5"
    names = tuple(scene.model.joint(i).name for i in range(scene.model.njnt))
    channels = {"time": Channel("s"), "qpos": Channel("rad", (len(names),), names, "f4")}
    tables = {"score": NOTE_COLUMNS, "played": NOTE_COLUMNS}
    metadata = {"title": ASKED.title}
    with RecordingWriter(path, channels, tables=tables, metadata=metadata) as writer:
        writer.extend_table("score", note_table(ASKED))
        writer.extend_table("played", note_table(PLAYED))
        for time in np.arange(-1.0, 1.5, 0.02):
            writer.append(time=time, qpos=np.zeros(len(names)))
    return path


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    """Two hands playing one note each."""
    path = tmp_path_factory.mktemp("render") / "hands.h5"
    perform(Score((Note(0.0, 48, 0.3), Note(0.0, 67, 0.3))), "muscle", record=path)
    return path


def near(picture, rgb, tolerance=0.16):
    """Pixels whose hue is that of a colour, whatever the light."""
    values = picture.astype(float)
    length = np.linalg.norm(values, axis=2, keepdims=True)
    direction = np.asarray(rgb[:3]) / np.linalg.norm(rgb[:3])
    return (length[:, :, 0] > 60) & (
        np.linalg.norm(values / np.maximum(length, 1) - direction, axis=2) < tolerance
    )


def test_keys_are_green_when_right_and_red_when_wrong(keyboard):
    with Recording.open(keyboard) as recording:
        stage = Stage(recording)
        keys = stage.scene.keys.geom

        def colours(time):
            stage.pose(time)
            rgba = stage.model.geom_rgba[keys]
            matches = [
                np.abs(rgba - colour).max(axis=1) < 1e-6 for colour in (RIGHT_RGBA, WRONG_RGBA)
            ]
            return np.flatnonzero(matches[0]).tolist(), np.flatnonzero(matches[1]).tolist()

        assert colours(-0.5) == ([], [])
        assert colours(0.25) == ([60 - 21], [])
        assert colours(0.75) == ([], [65 - 21])
        assert colours(1.2) == ([], [])


def test_the_stage_stands_as_recorded(hands):
    with Recording.open(hands) as recording:
        stage = Stage(recording, bone_edge=0.002)
        row = stage.row_at(0.1)
        stage.pose(0.1)
        assert abs(recording["time"][row] - 0.1) <= 0.0041
        assert np.allclose(stage.data.qpos, recording["qpos"][row])
        act = np.sqrt(np.clip(recording["act"][row], 0, 1))
        names = recording["act"].names
        strongest = names[int(act.argmax())]
        colour = stage.model.tendon_rgba[stage.model.tendon(strongest).id, :3]
        assert np.allclose(colour, REST_RGB + act.max() * (ACTIVE_RGB - REST_RGB), atol=1e-6)
        assert stage.row_at(-100.0) == 0
        assert stage.row_at(100.0) == recording.num_rows - 1


def test_the_camera_has_both_hands_in_view(hands):
    with Recording.open(hands) as recording:
        stage = Stage(recording, bone_edge=0.002)
        stage.pose(0.1)
        camera = stage.camera("top", aspect=16 / 9)
        tips = np.concatenate(
            [stage.data.site_xpos[hand.tips] for hand in stage.scene.hands.values()]
        )
        half = camera.distance * np.tan(np.radians(stage.model.vis.global_.fovy) / 2)
        assert np.abs(tips[:, 0] - camera.lookat[0]).max() < half * 16 / 9
        assert np.abs(tips[:, 1] - camera.lookat[1]).max() < half
        with pytest.raises(UnknownName, match="player"):
            stage.camera("backstage", aspect=1.0)


def test_fewer_triangles_same_shape():
    vertices, faces = sphere(60)
    spec = mujoco.MjSpec()
    spec.add_mesh(name="ball", uservert=vertices.ravel(), userface=faces.ravel())
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="ball")
    model = spec.compile()
    before = int(model.mesh_facenum[0])
    left = simplify_meshes(model, 0.02)
    assert left == model.mesh_facenum[0] < before / 4
    used = model.mesh_vert[model.mesh_face[:left]]
    assert np.allclose(np.linalg.norm(used, axis=2), 0.1, atol=1e-3)
    assert np.ptp(used.reshape(-1, 3), axis=0) == pytest.approx([0.2] * 3, abs=0.02)
    area = (
        np.linalg.norm(np.cross(used[:, 1] - used[:, 0], used[:, 2] - used[:, 0]), axis=1).sum() / 2
    )
    assert area == pytest.approx(4 * np.pi * 0.1**2, rel=0.08)
    with pytest.raises(InvalidValue):
        simplify_meshes(model, 0.0)


def sphere(rings):
    """A ball of radius 0.1 as a grid of latitudes and longitudes."""
    angles = np.linspace(0, np.pi, rings)
    around = np.linspace(0, 2 * np.pi, rings, endpoint=False)
    polar, azimuth = (grid.ravel() for grid in np.meshgrid(angles, around, indexing="ij"))
    vertices = 0.1 * np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], 1
    )
    faces = []
    for i in range(rings - 1):
        for j in range(rings):
            a, b, c, d = (
                r * rings + k % rings for r, k in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
            )
            faces += [(a, b, c)] * (i < rings - 2) + [(a, c, d)] * (i > 0)
    return vertices, np.array(faces)


def test_a_recording_that_cannot_be_drawn_is_refused(tmp_path):
    with RecordingWriter(tmp_path / "a.h5", {"time": Channel("s")}) as writer:
        writer.append(time=0.0)
    with pytest.raises(RecordingError, match="qpos"):
        render_still(tmp_path / "a.h5", 0.0, tmp_path / "a.png")
    channels = {"time": Channel("s"), "qpos": Channel("rad", (1,), ("elbow",))}
    with RecordingWriter(tmp_path / "b.h5", channels) as writer:
        writer.append(time=0.0, qpos=np.zeros(1))
    with pytest.raises(RecordingError, match="another model"):
        render_still(tmp_path / "b.h5", 0.0, tmp_path / "b.png")
    assert {path.suffix for path in tmp_path.iterdir()} == {".h5"}


def test_without_opengl_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(opengl, "_probe", lambda backend: f"no {backend} here")
    with pytest.raises(OutputError, match=r"libegl1.*libosmesa6") as caught:
        choose_backend.__wrapped__()
    assert "no egl here" in str(caught.value)
    assert "no osmesa here" in str(caught.value)


def test_the_first_backend_that_works_is_taken_and_the_users_choice_kept(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(opengl, "_probe", lambda backend: None if backend == "osmesa" else "broken")
    assert choose_backend.__wrapped__() == "osmesa"
    monkeypatch.setattr(opengl, "_probe", lambda backend: None)
    assert choose_backend.__wrapped__() == "egl"
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert choose_backend.__wrapped__() == "osmesa"


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("nonsense", InvalidValue, "MUJOCO_GL is 'nonsense'; it must be egl or osmesa"),
        ("osmesa", OutputError, "MUJOCO_GL is 'osmesa', which does not work here .*libosmesa6"),
        ("EGL ", OutputError, "MUJOCO_GL is 'egl', which does not work here .*MUJOCO_GL=osmesa"),
    ],
)
def test_a_choice_that_does_not_work_is_an_error_that_says_how_to_drop_it(
    monkeypatch, value, error, words
):
    monkeypatch.setenv("MUJOCO_GL", value)
    monkeypatch.delenv("MUSCLEHAND_MUJOCO_GL", raising=False)
    monkeypatch.setattr(opengl, "_probe", lambda backend: f"no {backend} here")
    with pytest.raises(error, match=f"{words}.*unset MUJOCO_GL"):
        choose_backend.__wrapped__()


@pytest.mark.parametrize("value", ["glfw", "off", "1", ""])
def test_a_choice_that_is_not_ours_leaves_it_to_us(monkeypatch, value):
    monkeypatch.setenv("MUJOCO_GL", value)
    monkeypatch.setattr(opengl, "_probe", lambda backend: None)
    assert choose_backend.__wrapped__() == "egl"


def test_a_backend_that_ends_its_process_does_not_end_ours(monkeypatch):
    monkeypatch.setattr(opengl, "_PROBE", "import os; os.abort()")
    assert opengl._probe("egl") is not None


@pytest.mark.parametrize("options", [{"width": 641}, {"height": 0}, {"fps": 0}, {"fps": 1000}])
def test_impossible_films_are_refused(options, keyboard, tmp_path):
    with pytest.raises(InvalidValue):
        render_video(keyboard, tmp_path / "film.mp4", **options)
    assert list(tmp_path.iterdir()) == []


@needs_opengl
@pytest.mark.parametrize("camera", ["front", "side"])
def test_a_still_shows_the_hands(camera, hands, tmp_path):
    from PIL import Image

    render_still(hands, 0.1, tmp_path / "still.png", camera=camera, width=480, height=270)
    picture = np.asarray(Image.open(tmp_path / "still.png"))
    assert picture.shape == (270, 480, 3)
    skin = near(picture, (0.76, 0.55, 0.45)).mean()
    assert skin > 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["still.png"]


@needs_opengl
def test_the_canvas_draws_the_right_way_up():
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><light pos='0 -3 0' dir='0 1 0'/>"
        "<geom size='.2' pos='0.5 0 0.5' rgba='1 0 0 1'/></worldbody></mujoco>"
    )
    data = mujoco.MjData(model)
    camera = mujoco.MjvCamera()
    mujoco.mj_forward(model, data)
    camera.distance = 3.0
    camera.azimuth = 90.0
    camera.elevation = 0.0
    with Canvas(model, 80, 60) as canvas:
        red = canvas.draw(data, camera)[:, :, 0] > 60
    rows, columns = np.nonzero(red)
    assert rows.mean() < 30
    assert columns.mean() > 40


@needs_opengl
def test_sound_and_picture_agree(keyboard, tmp_path):
    from imageio_ffmpeg import get_ffmpeg_exe

    click = np.zeros((2 * 44100, 1), dtype="<i2")
    click[22050:22500] = 20000  # at 0.5 s of the score, when F sounds
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(44100)
        sound.writeframes(click.tobytes())
    calls = []
    render_video(
        keyboard,
        tmp_path / "film.mp4",
        sound=tmp_path / "sound.wav",
        width=320,
        height=180,
        fps=25,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1][0] == pytest.approx(calls[-1][1])
    about = subprocess.run(
        [get_ffmpeg_exe(), "-i", tmp_path / "film.mp4"], capture_output=True, text=True, check=False
    ).stderr
    assert float(re.search(r"Duration: 00:00:([\d.]+)", about)[1]) == pytest.approx(
        2.48 + HOLD, abs=0.1
    )
    assert "320x180" in about
    assert "aac" in about
    samples = np.frombuffer(
        decode(tmp_path / "film.mp4", "-f", "s16le", "-ac", "1", "-ar", "44100"), dtype="<i2"
    )
    heard = np.flatnonzero(np.abs(samples) > 5000)[0] / 44100
    assert heard == pytest.approx(1.5, abs=0.005)
    frames = np.frombuffer(
        decode(tmp_path / "film.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24"), dtype=np.uint8
    )
    frames = frames.reshape(-1, 180, 320, 3)
    wrong = np.array([near(frame, WRONG_RGBA).sum() for frame in frames])
    assert np.flatnonzero(wrong > 20)[0] / 25 == pytest.approx(heard, abs=1 / 25)
    assert np.flatnonzero(wrong > 20)[-1] / 25 == pytest.approx(2.0, abs=1.5 / 25)


def decode(path, *options):
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", path, *options, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@needs_opengl
@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_a_film_that_is_stopped_leaves_nothing(trouble, keyboard, tmp_path):
    def stop(done, total):
        if done > 0.2:
            raise trouble

    with pytest.raises(trouble):
        render_video(keyboard, tmp_path / "film.mp4", width=64, height=48, progress=stop)
    assert list(tmp_path.iterdir()) == []


@needs_opengl
def test_what_ffmpeg_cannot_read_is_one_error(keyboard, tmp_path):
    (tmp_path / "sound.wav").write_text("not a sound")
    with pytest.raises(OutputError, match="ffmpeg"):
        render_video(
            keyboard, tmp_path / "film.mp4", sound=tmp_path / "sound.wav", width=64, height=48
        )
    with pytest.raises(OutputError, match="no sound file"):
        render_video(keyboard, tmp_path / "film.mp4", sound=tmp_path / "missing.wav")
    with pytest.raises(OutputError):
        render_video(keyboard, tmp_path / "no" / "film.mp4", width=64, height=48)
    assert [path.name for path in tmp_path.iterdir()] == ["sound.wav"]
