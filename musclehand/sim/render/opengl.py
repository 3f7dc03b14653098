"""An OpenGL picture without a screen: EGL where it works, OSMesa where it does not.

MuJoCo fixes its OpenGL backend when it is imported, by the environment variable `MUJOCO_GL`. The
canvas here makes its own context instead, so a program that has long imported MuJoCo can still
draw. Which backends work is tried in a child process: a broken driver may end the process that
loads it.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from functools import cache
from types import TracebackType
from typing import Any

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue, OutputError

BACKENDS = ("egl", "osmesa")
"""In the order in which they are tried."""

MAX_GEOMS = 10_000

GHOST_RGBA = (0.20, 0.45, 1.0, 0.45)
"""Of what is drawn over a picture to be compared with it."""

_PROBE_TIMEOUT = 60.0  # [s]
_PROBE = """
import sys
import mujoco
from musclehand.sim.render.opengl import Canvas
model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>")
with Canvas(model, 32, 32, backend=sys.argv[1]) as canvas:
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = mujoco.MjvCamera()
    camera.distance = 4.0
    picture = canvas.draw(data, camera)
sys.exit(0 if picture.std() > 0 else 3)
"""


@cache
def choose_backend() -> str:
    """The backend to draw with: the user's `MUJOCO_GL` where it names one of `BACKENDS`, else the
    first that works.

    Raises:
        OutputError: none works; says what to install.
    """
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    candidates = (wanted,) if wanted in BACKENDS else BACKENDS
    problems = []
    for backend in candidates:
        problem = _probe(backend)
        if problem is None:
            return backend
        problems.append(f"{backend}: {problem}")
    raise OutputError(
        "pictures",
        f"no OpenGL without a screen ({'; '.join(problems)}); install libegl1 and libgl1-mesa-dri for EGL, "
        "or libosmesa6 for OSMesa",
    )


def _probe(backend: str) -> str | None:
    """Why a backend does not work, or None when it does."""
    environment = {**os.environ, "MUJOCO_GL": backend}
    environment.pop("PYOPENGL_PLATFORM", None)
    try:
        result = subprocess.run(
            [sys.executable, "-c", _PROBE, backend],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer in {_PROBE_TIMEOUT:.0f} s"
    except OSError as error:
        return str(error)
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1][:120] if lines else f"exit code {result.returncode}"


class Canvas:
    """Draws a model into memory. Use in a `with` block, in one thread.

    Args:
        model: its `vis.quality` says how finely; its offscreen buffer is set to the size asked for.
        width, height: of the picture [pixels].
        backend: one of `BACKENDS`, by default `choose_backend()`.
        plain_tendons: draw tendons as bars instead of round cords, twice as fast and the same from
            afar.

    Raises:
        InvalidValue: no such backend, or a size that is not 1..4096.
        OutputError: OpenGL is missing.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        width: int,
        height: int,
        *,
        backend: str | None = None,
        plain_tendons: bool = False,
    ) -> None:
        for thing, value in (("picture width", width), ("picture height", height)):
            if not 1 <= value <= 4096:
                raise InvalidValue(thing, value, "1..4096 pixels")
        backend = backend or choose_backend()
        if backend not in BACKENDS:
            raise InvalidValue("OpenGL backend", backend, " or ".join(BACKENDS))
        model.vis.global_.offwidth = width
        model.vis.global_.offheight = height
        self._model = model
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._gl = _make_context(backend, width, height)
        before = os.environ.get("MUJOCO_GL")
        os.environ["MUJOCO_GL"] = backend  # by this MuJoCo's C side finds the OpenGL functions
        try:
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        finally:
            if before is None:
                del os.environ["MUJOCO_GL"]
            else:
                os.environ["MUJOCO_GL"] = before
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self.scene = mujoco.MjvScene(model, MAX_GEOMS)
        self._plain_tendons = plain_tendons
        self.option = mujoco.MjvOption()
        self._perturb = mujoco.MjvPerturb()

    def draw(
        self,
        data: mujoco.MjData,
        camera: mujoco.MjvCamera,
        *,
        text: tuple[str, str] | None = None,
        ghost: mujoco.MjData | None = None,
    ) -> np.ndarray:
        """A picture of the state whose positions are computed. Shape (height, width, 3), uint8, top
        row first.

        `text` is written in the lower left corner, in two columns; `ghost` is another state, whose
        moving parts are drawn over it where they differ, transparent and blue, without skin and
        tendons.
        """
        mujoco.mjv_updateScene(
            self._model,
            data,
            self.option,
            self._perturb,
            camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self.scene,
        )
        if ghost is not None:
            self._add_ghost(data, ghost)
        if self._plain_tendons:
            for geom in self.scene.geoms[: self.scene.ngeom]:
                if geom.objtype == mujoco.mjtObj.mjOBJ_TENDON:
                    geom.type = mujoco.mjtGeom.mjGEOM_BOX
        mujoco.mjr_render(self._rect, self.scene, self._context)
        if text is not None:
            mujoco.mjr_overlay(
                mujoco.mjtFont.mjFONT_NORMAL,
                mujoco.mjtGridPos.mjGRID_BOTTOMLEFT,
                self._rect,
                *text,
                self._context,
            )
        picture = np.empty((self._rect.height, self._rect.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(picture, None, self._rect, self._context)
        return picture[::-1]

    def _add_ghost(self, data: mujoco.MjData, ghost: mujoco.MjData) -> None:
        """Draws what is solid and in another place than in `data`."""
        option = mujoco.MjvOption()
        option.flags[mujoco.mjtVisFlag.mjVIS_TENDON] = 0
        moved = (
            np.abs(ghost.xpos - data.xpos) + np.abs(ghost.xquat[:, 1:] - data.xquat[:, 1:])
        ).max(axis=1) > 1e-9
        first = self.scene.ngeom
        moving = mujoco.mjtCatBit.mjCAT_DYNAMIC.value
        mujoco.mjv_addGeoms(self._model, ghost, option, self._perturb, moving, self.scene)
        for geom in self.scene.geoms[first : self.scene.ngeom]:
            is_geom = geom.objtype == mujoco.mjtObj.mjOBJ_GEOM
            shown = is_geom and moved[self._model.geom_bodyid[geom.objid]] and geom.rgba[3] > 0.5
            geom.matid = -1
            geom.rgba[:] = GHOST_RGBA if shown else (0.0, 0.0, 0.0, 0.0)

    def close(self) -> None:
        """Lets go of OpenGL. Again is harmless."""
        if self._gl is not None:
            self._context.free()
            self._gl.free()
            self._gl = None

    def __enter__(self) -> Canvas:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_context(backend: str, width: int, height: int) -> Any:
    """A current OpenGL context of MuJoCo's own module for the backend."""
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise OutputError("pictures", f"OpenGL backend {backend} does not work: {error}") from error
    return context
