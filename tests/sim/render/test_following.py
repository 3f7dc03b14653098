"""A film with a ghost: it shows where two states differ, and only there."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import FOREARM_AXES, HAND_JOINTS, Side
from musclehand.core.errors import InvalidValue, OutputError
from musclehand.sim.render.following import Following, film_following
from musclehand.sim.render.opengl import Canvas, choose_backend

BOXES = """<mujoco><worldbody>
<body name="a">
  <joint type="slide" axis="1 0 0"/><geom type="box" size=".1 .1 .1" rgba="1 0 0 1"/>
</body>
<body name="b" pos="0 1 0">
  <joint type="slide" axis="1 0 0"/><geom type="box" size=".1 .1 .1" rgba="0 1 0 1"/>
</body>
</worldbody></mujoco>"""


@pytest.fixture(scope="module", autouse=True)
def opengl():
    try:
        choose_backend()
    except OutputError as error:
        pytest.skip(str(error))


def test_a_ghost_is_what_is_elsewhere():
    model = mujoco.MjModel.from_xml_string(BOXES)
    data = mujoco.MjData(model)
    ghost = mujoco.MjData(model)
    ghost.qpos[0] = 0.5
    for state in (data, ghost):
        mujoco.mj_forward(model, state)
    camera = mujoco.MjvCamera()
    camera.distance = 4.0
    with Canvas(model, 64, 64) as canvas:
        alone = canvas.draw(data, camera)
        same = canvas.draw(data, camera, ghost=data)
        overlaid = canvas.draw(data, camera, ghost=ghost)
        blue = [geom for geom in canvas.scene.geoms[: canvas.scene.ngeom] if geom.rgba[2] == 1.0]
    np.testing.assert_array_equal(alone, same)
    assert len(blue) == 1
    assert blue[0].pos[0] == pytest.approx(0.5)
    assert np.abs(overlaid.astype(int) - alone).max() > 20


def test_a_film_is_made(tmp_path):
    rng = np.random.default_rng(0)
    angles = 0.1 * rng.random((20, len(HAND_JOINTS)))
    forearm = np.tile([-0.2, -0.12, 0.15, 0.0, 0.0, 0.0], (20, 1))
    assert forearm.shape[1] == len(FOREARM_AXES)
    shown = Following(
        Side.LEFT, 0.008, angles, forearm, rng.random((20, 46)), angles + 0.1, forearm
    )
    film_following(tmp_path / "film.mp4", shown, width=64, height=48, fps=25)
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
    with pytest.raises(InvalidValue):
        film_following(
            tmp_path / "none.mp4", Following(Side.LEFT, 0.008, *([np.zeros((0, 1))] * 5))
        )
