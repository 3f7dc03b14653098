"""Films of playing: the camera against its projection, points against the model, the fixture."""

import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.recording import Channel, Recording, RecordingWriter
from musclehand.sim.render.film_stage import FilmCamera, FilmStage
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.scene import build_scene, forearm_joint
from sim.render.test_video import needs_opengl
from support.films import film_pictures, film_truth


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A recording of two hands that stay to the left and right of the keyboard."""
    scene = build_scene()
    path = tmp_path_factory.mktemp("film") / "recording.h5"
    names = tuple(scene.model.joint(i).name for i in range(scene.model.njnt))
    qpos = np.zeros(len(names))
    for side in Side:
        qpos[names.index(forearm_joint(side, "x"))] = 0.3 * side.mirror
        qpos[names.index(forearm_joint(side, "y"))] = -0.25
    channels = {"time": Channel("s"), "qpos": Channel("rad", (len(names),), names, "f4")}
    with RecordingWriter(path, channels) as writer:
        for time in (0.0, 0.5, 1.0):
            qpos[names.index(forearm_joint(Side.RIGHT, "z"))] = 0.1 * time
            writer.append(time=time, qpos=qpos)
    return path


def projected(camera, size, points):
    """Pixels of points by similar triangles."""
    ahead = (points - camera.position) @ camera.rotation.T
    return camera.focal(size[1]) * ahead[:, :2] / ahead[:, 2:] + np.array(size) / 2


@needs_opengl
@pytest.mark.parametrize(
    "camera", [FilmCamera(), FilmCamera(tilt_deg=25.0, yaw_deg=4.0, offset=0.05, fovy_deg=36.0)]
)
def test_keys_are_where_the_camera_projects_them(still, camera):
    size = (960, 540)
    with Recording.open(still) as recording:
        stage = FilmStage(recording, camera, fallboard="light")
        with Canvas(stage.model, *size) as canvas:
            stage.pose(0.0)
            picture = stage.draw(canvas).astype(int)
    keys = stage.model
    black = [i for i in range(keys.ngeom) if keys.geom(i).name.startswith("key/")]
    black = [i for i in black if "#" in keys.geom(i).name or "b" in keys.geom(i).name[8:]]
    assert len(black) == 36
    top = stage.data.geom_xpos[black] + [0.0, 0.0, 1.0] * keys.geom_size[black][:, 2:]
    # The side of a black key that shows is the one towards the camera; its other edge is the top's.
    top = top[np.abs(top[:, 0] - camera.position[0]) > 0.1]
    aside = np.sign(top[:, 0] - camera.position[0])
    top[:, 0] += aside * keys.geom_size[black[0], 0]
    for (x, y), side in zip(projected(camera, size, top), aside, strict=True):
        row = picture[int(y), int(x) - 6 : int(x) + 7].sum(axis=1)
        dark = row < 0.5 * row.max()
        edge = int(x) - 6 + (13 - dark.sum() if side < 0 else dark.sum())
        assert abs(edge - x) < 1.5


def test_points_are_joints_and_fingertips_of_the_model(still):
    with Recording.open(still) as recording:
        stage = FilmStage(recording, FilmCamera())
        stage.pose(0.25)
        points = stage.points(Side.RIGHT)
        before = stage.points(Side.LEFT)
        stage.pose(0.75)
        assert np.allclose(stage.points(Side.RIGHT) - points, [0.0, 0.0, 0.05], atol=1e-6)
        assert np.allclose(stage.points(Side.LEFT), before)
    assert np.allclose(
        points[0], stage.data.xanchor[stage.model.joint("flexion_r").id] - [0, 0, 0.05]
    )
    assert points.shape == (21, 3)
    # Each digit goes on from joint to joint, away from the wrist.
    reach = np.linalg.norm(points - points[0], axis=1)[1:].reshape(5, 4)
    assert (np.diff(reach, axis=1) > 0).all()


def test_wrong_choices_are_named(still):
    with Recording.open(still) as recording:
        with pytest.raises(UnknownName, match="fallboard"):
            FilmStage(recording, FilmCamera(), fallboard="green")
        with pytest.raises(UnknownName, match="light"):
            FilmStage(recording, FilmCamera(), light="moon")
    with pytest.raises(InvalidValue, match="fovy_deg"):
        FilmCamera(fovy_deg=180.0)


def test_the_bundled_film_agrees_with_its_truth():
    truth = film_truth()
    assert np.allclose(truth.view.to_pixels(truth.points), truth.pixels, atol=0.01)
    assert truth.points.shape == (150, 2, 21, 3)
    assert set(truth.clips) == set(Side)
    assert truth.clips[Side.LEFT].qpos.shape == (150, len(HAND_JOINTS))
    assert all(note.hand is not None and note.finger for note in truth.asked.notes)
    assert len(truth.asked) == len(truth.played) > 40
    (picture,) = film_pictures([75])
    for hand in range(2):
        x, y = truth.pixels[75, hand, 9].astype(int)
        red, _, blue = picture[y, x].astype(int)
        assert red > blue + 25  # skin
