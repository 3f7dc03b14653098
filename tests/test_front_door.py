"""What `import musclehand` and its rooms offer: every name is there, and loaded when it is used."""

import ast
import importlib
import subprocess
import sys

import pytest

import musclehand
from support.paths import ROOT

ROOMS = sorted(
    path.parent.name for path in (ROOT / "musclehand").glob("*/__init__.pyi") if path.is_file()
)


def test_the_front_door_has_about_twenty_names():
    assert 15 <= len(musclehand.__all__) <= 30
    assert {"play", "perform", "plan_performance", "validate", "diff", "emg"} <= set(
        musclehand.__all__
    )


@pytest.mark.parametrize("name", musclehand.__all__)
def test_every_name_of_the_front_door_is_there(name):
    value = getattr(musclehand, name)
    assert value.__doc__
    assert name in dir(musclehand)


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_there(room):
    module = importlib.import_module(f"musclehand.{room}")
    assert module.__all__
    for name in module.__all__:
        assert getattr(module, name) is not None, name


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_of_a_room_hides_a_module_of_it(room):
    """Importing a submodule binds its name in the package; a function of that name would go."""
    folder = ROOT / "musclehand" / room
    modules = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir()}
    assert not modules & set(importlib.import_module(f"musclehand.{room}").__all__)


def test_no_name_of_the_front_door_hides_a_room():
    functions = {
        alias.name
        for node in ast.parse((ROOT / "musclehand" / "__init__.pyi").read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert not functions & {path.name for path in (ROOT / "musclehand").iterdir()}


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="plya"):
        musclehand.plya  # noqa: B018


def test_importing_takes_no_time():
    code = (
        "import time; before = time.perf_counter(); import musclehand;"
        "print(time.perf_counter() - before)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        for _ in range(3)
    ]
    assert min(float(run.stdout) for run in runs) < 0.1


def test_gymnasium_finds_the_environment_by_the_package():
    code = (
        "import gymnasium; env = gymnasium.make('musclehand:TrackHand-v0'); env.reset(seed=0);"
        "print(env.step(env.action_space.sample())[2])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() in ("True", "False")
