"""The user's `MUJOCO_GL`: commands that draw nothing do not care, and those that draw say in one
line what is wrong with it."""

import ctypes.util
import os
import subprocess
import sys

import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.core.opengl import DEFERRED, NO_OPENGL, VARIABLE, defer_opengl, opengl_choice

NO_OSMESA = ctypes.util.find_library("OSMesa") is None

UNUSABLE = [
    "nonsense",
    pytest.param("osmesa", marks=pytest.mark.skipif(not NO_OSMESA, reason="OSMesa is here")),
]


def run(tmp_path, value, *words):
    """Runs a command in an empty folder; its exit code, and what it says on stdout and stderr."""
    environment = {name: text for name, text in os.environ.items() if name != DEFERRED}
    result = subprocess.run(
        [sys.executable, "-m", "musclehand", *map(str, words)],
        env={**environment, VARIABLE: value},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A hand model as a file, which a process of its own tries out."""
    path = tmp_path_factory.mktemp("hand") / "hand.xml"
    spec = hand_spec(Side.RIGHT)
    spec.compile()
    path.write_text(spec.to_xml())
    return path


@pytest.mark.parametrize("value", [*UNUSABLE, "egl", "glfw", "off", " "])
@pytest.mark.parametrize("command", ["--help", "play --list", "validate"])
def test_commands_that_draw_nothing_do_not_care(tmp_path, path, value, command):
    words = command.split()
    if command == "validate":
        words += [path, "--checks", "V01"]
    code, out, err = run(tmp_path, value, *words)
    assert (code, err) == (0, "")
    assert out


@pytest.mark.parametrize("value", UNUSABLE)
def test_a_film_with_an_unusable_library_is_one_line_before_any_work(tmp_path, value):
    code, out, err = run(tmp_path, value, "play", "ode_to_joy", "--clip", "0", "1", "--video")
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("musclehand: error: ")
    for word in (VARIABLE, value, "egl", f"unset {VARIABLE}"):
        assert word in line
    assert list(tmp_path.iterdir()) == []


PROBE = (
    "from musclehand.core.opengl import defer_opengl; defer_opengl(); import mujoco;"
    "from musclehand.sim.render.opengl import choose_backend; print(choose_backend())"
)


@pytest.mark.parametrize("value", ["egl", "glfw", "off"])
def test_a_usable_choice_is_kept(value):
    environment = {name: text for name, text in os.environ.items() if name != DEFERRED}
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**environment, VARIABLE: value},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        assert "OutputError" in result.stderr
        pytest.skip(result.stderr.splitlines()[-1])
    assert result.stdout.strip() == ("egl" if value == "egl" else result.stdout.strip())
    assert result.stdout.strip() in ("egl", "osmesa")


@pytest.fixture
def environment(monkeypatch):
    """An environment without choice, which is put back whatever a test does to it."""
    for name in (DEFERRED, VARIABLE):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def without_mujoco(environment):
    environment.delitem(sys.modules, "mujoco")
    return environment


def test_the_choice_is_handed_on_to_children(without_mujoco):
    without_mujoco.setenv(VARIABLE, " EGL ")
    defer_opengl()
    assert os.environ[VARIABLE] == NO_OPENGL
    assert opengl_choice() == "egl"
    defer_opengl()  # as a child does
    assert opengl_choice() == "egl"


def test_nothing_is_deferred_where_nothing_is_chosen(without_mujoco):
    defer_opengl()
    assert VARIABLE not in os.environ
    assert opengl_choice() == ""


def test_nothing_is_deferred_once_mujoco_is_there(environment):
    environment.setenv(VARIABLE, "egl")
    defer_opengl()
    assert os.environ[VARIABLE] == "egl"
    assert opengl_choice() == "egl"
