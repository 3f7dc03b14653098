"""The user's choice of an OpenGL library, by the environment variable `MUJOCO_GL`.

MuJoCo loads the library of its choice when it is imported. A value that MuJoCo does not know, or a
library that is not installed, makes `import mujoco` fail, even in a program that draws nothing.
Commands therefore call `defer_opengl` first; `musclehand.sim.render.opengl` then reports what is
wrong with the choice when it is time to draw.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "MUJOCO_GL"
"""The variable that MuJoCo reads."""

DEFERRED = "MUSCLEHAND_MUJOCO_GL"
"""The variable that hands the user's choice on to child processes."""

NO_OPENGL = "off"
"""The value for which MuJoCo loads no OpenGL library, on all systems."""


def defer_opengl() -> None:
    """Lets MuJoCo be imported without OpenGL, here and in child processes.

    Without effect where nothing is chosen, or where MuJoCo has been imported already.
    """
    if not os.environ.get(VARIABLE, "").strip() or "mujoco" in sys.modules:
        return
    os.environ.setdefault(DEFERRED, os.environ[VARIABLE])
    os.environ[VARIABLE] = NO_OPENGL


def opengl_choice() -> str:
    """The user's choice in lower case; empty where nothing is chosen."""
    choice = os.environ.get(DEFERRED) or os.environ.get(VARIABLE, "")
    return choice.strip().lower()
