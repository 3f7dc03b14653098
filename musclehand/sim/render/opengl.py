"""Offscreen OpenGL rendering: EGL where it works, else OSMesa.

MuJoCo chooses its OpenGL library when it is imported, by the environment variable `MUJOCO_GL`. The
canvas here creates its own context instead, so that a program that has already imported MuJoCo can
still draw. A child process tries which libraries work: a broken driver may end the process that
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
from musclehand.core.opengl import VARIABLE, opengl_choice

BACKENDS = ("egl", "osmesa")
"""The libraries that draw without a screen, in the order in which they are tried."""

PACKAGES = {"egl": "libegl1 and libgl1-mesa-dri", "osmesa": "libosmesa6"}
"""Packages of Debian and Ubuntu that install each library."""

OTHER_CHOICES = (
    *("enable", "enabled", "on", "true", "1", "glfw", "glx", "wgl", "cgl"),
    *("disable", "disabled", "off", "false", "0"),
)
"""Values of `MUJOCO_GL` that are legal for MuJoCo and leave the choice of a library to us."""

MAX_GEOMS = 10_000
"""Geoms that a picture may have."""

MAX_PIXELS = 4096
"""Largest width and height of a picture [pixels]."""

GHOST_RGBA = (0.20, 0.45, 1.0, 0.45)
"""Colour of a reference posture that is drawn over a picture."""

SAME_PLACE = 1e-9
"""Bodies whose positions [m] and quaternions differ by less have not moved."""

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
    """The OpenGL library to draw with: the user's, or else the first of `BACKENDS` that works.

    Raises:
        InvalidValue: `MUJOCO_GL` has a value that MuJoCo does not know.
        OutputError: the user's library does not work, or none does; says what to install.
    """
    choice = opengl_choice()
    if choice in BACKENDS:
        problem = _probe(choice)
        if problem is None:
            return choice
        alternative = BACKENDS[1 - BACKENDS.index(choice)]
        raise OutputError(
            "pictures",
            f"{VARIABLE} is {choice!r}, which does not work here ({problem}); install "
            f"{PACKAGES[choice]}, or choose {VARIABLE}={alternative}, or unset {VARIABLE} to draw "
            "with the first that works",
        )
    if choice and choice not in OTHER_CHOICES:
        raise InvalidValue(
            f"environment variable {VARIABLE}",
            choice,
            f"{' or '.join(BACKENDS)} to draw; unset {VARIABLE} to draw with the first that works",
        )
    problems = []
    for backend in BACKENDS:
        problem = _probe(backend)
        if problem is None:
            return backend
        problems.append(f"{backend}: {problem}")
    raise OutputError(
        "pictures",
        f"no OpenGL without a screen ({'; '.join(problems)}); install {PACKAGES['egl']} for EGL, "
        f"or {PACKAGES['osmesa']} for OSMesa",
    )


def _probe(backend: str) -> str | None:
    """Why a library does not work, or None when it does."""
    environment = {**os.environ, VARIABLE: backend}
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
    """Draws a model into memory. Use it in a `with` block, in one thread."""

    scene: mujoco.MjvScene
    """The abstract scene of the last picture."""

    option: mujoco.MjvOption
    """What is drawn; may be changed between pictures."""

    def __init__(
        self,
        model: mujoco.MjModel,
        width: int,
        height: int,
        *,
        backend: str | None = None,
        plain_tendons: bool = False,
    ) -> None:
        """Creates an OpenGL context and uploads the model.

        Args:
            model: its `vis.quality` is the quality of the picture; its offscreen buffer is set to
                the size of the picture.
            width: of the picture [pixels].
            height: of the picture [pixels].
            backend: one of `BACKENDS`, by default `choose_backend()`.
            plain_tendons: draw tendons as bars instead of round cords, which is twice as fast and
                looks the same from afar.

        Raises:
            InvalidValue: no such library, or a size that is not 1 to `MAX_PIXELS`.
            OutputError: OpenGL is missing.
        """
        for thing, value in (("picture width", width), ("picture height", height)):
            if not 1 <= value <= MAX_PIXELS:
                raise InvalidValue(thing, value, f"1..{MAX_PIXELS} pixels")
        backend = backend or choose_backend()
        if backend not in BACKENDS:
            raise InvalidValue("OpenGL backend", backend, " or ".join(BACKENDS))
        model.vis.global_.offwidth = width
        model.vis.global_.offheight = height
        self._model = model
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._gl = _make_context(backend, width, height)
        before = os.environ.get(VARIABLE)
        # MuJoCo's C side finds the OpenGL functions by the variable.
        os.environ[VARIABLE] = backend
        try:
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
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
        """Draws a state whose positions are computed.

        Args:
            data: the state.
            camera: the viewpoint.
            text: two columns of text in the lower left corner, ASCII.
            ghost: another state of the model. Its bodies that have moved are drawn over the
                picture, blue and transparent, without skin and tendons.

        Returns:
            The picture, top row first. Shape (height, width, 3), uint8.
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
        """Adds the opaque geoms of bodies that are elsewhere than in `data`."""
        option = mujoco.MjvOption()
        option.flags[mujoco.mjtVisFlag.mjVIS_TENDON] = 0
        shift = np.abs(ghost.xpos - data.xpos) + np.abs(ghost.xquat[:, 1:] - data.xquat[:, 1:])
        moved = shift.max(axis=1) > SAME_PLACE
        first = self.scene.ngeom
        moving = mujoco.mjtCatBit.mjCAT_DYNAMIC.value
        mujoco.mjv_addGeoms(self._model, ghost, option, self._perturb, moving, self.scene)
        for geom in self.scene.geoms[first : self.scene.ngeom]:
            is_geom = geom.objtype == mujoco.mjtObj.mjOBJ_GEOM
            shown = is_geom and moved[self._model.geom_bodyid[geom.objid]] and geom.rgba[3] > 0.5
            geom.matid = -1
            geom.rgba[:] = GHOST_RGBA if shown else (0.0, 0.0, 0.0, 0.0)

    def close(self) -> None:
        """Frees the OpenGL context; a second call has no effect."""
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
    """A current OpenGL context of MuJoCo's own module for the library."""
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise OutputError("pictures", f"OpenGL backend {backend} does not work: {error}") from error
    return context
