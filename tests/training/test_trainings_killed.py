"""Training commands as they are run: killed again and again, or on a full disk, they end with
the same bits."""

import shutil
import time

import numpy as np
import pytest

from musclehand.core.checkpoint import checkpoints_in
from support.killed import RUN, Command, said_in
from support.paths import EXPERIMENTS
from support.track_command import SLOPE, TAUGHT, track_hand

pytest.importorskip("rsl_rl")
pytestmark = pytest.mark.slow

KILLS = 20
LATENT = ("--latent.iterations", "13", *(part.format("latent") for part in TAUGHT))


def distill_latent(made, *more):
    """Learning from the policy, and slopes."""
    return Command(
        (
            *(
                str(EXPERIMENTS / "distill_latent.py"),
                str(made / "corpus"),
                "--out",
                RUN,
                "--envs",
                "4",
            ),
            *("--scores", "1", "--clips", "1", "--latent.latent", "6", *LATENT, *SLOPE, *more),
        ),
        ("planned", "run", "run/labels", "slope", "skill"),
        ("skill/000001.safetensors", "skill/000001.json", "sequences.csv"),
    )


def plan_generalist(made):
    """Reading and playing."""
    stages = (
        option
        for stage in ("read", "teach")
        for option in (f"--{stage}.iterations", "10", *(part.format(stage) for part in TAUGHT))
    )
    return Command(
        (
            *(
                str(EXPERIMENTS / "plan_generalist.py"),
                str(made / "skill" / "000001.json"),
                "--out",
                RUN,
            ),
            *(
                "--worlds",
                "2",
                "--patterns",
                "1",
                "--textures",
                "0",
                "--chorales",
                "0",
                "--accompaniments",
                "1",
            ),
            *(*stages, "--teach.beside", "3"),
        ),
        ("pieces", "read", "read/labels", "teach", "teach/labels", "planner"),
        ("planner/000001.safetensors", "planner/000001.json"),
    )


def learn(made):
    """`musclehand learn`."""
    return Command(
        (
            *(
                "-m",
                "musclehand",
                "learn",
                str(made / "song.mid"),
                "--out",
                RUN,
                "--iterations",
                "5",
            ),
            *("--planner", str(made / "planner" / "000001.json")),
        ),
        ("plan", "teach", "teach/labels", "planner"),
        ("planner/000001.safetensors", "planner/000001.json"),
    )


COMMANDS = {
    "track_hand": track_hand,
    "distill_latent": distill_latent,
    "plan_generalist": plan_generalist,
    "learn": learn,
}


@pytest.fixture(scope="module")
def wholes(made, tmp_path_factory):
    """A folder for each command, in which it has run undisturbed; made when it is asked for."""
    folders = {}

    def whole(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            COMMANDS[name](made).finish(folders[name])
        return folders[name]

    return whole


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_twenty_times_it_ends_with_the_same_bits(name, made, wholes, tmp_path):
    command = COMMANDS[name](made)
    whole = wholes(name)
    seed = int(time.time())
    total = command.reached(whole)
    reached = command.kill_often(tmp_path, total, KILLS, np.random.default_rng(seed))
    assert len(set(reached)) > KILLS // 4, (
        f"kills of {seed} were not spread over the training: {reached}"
    )
    print(f"killed at {reached} of {total}")
    command.finish(tmp_path)
    command.assert_same(whole, tmp_path)


def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(made, wholes, tmp_path):
    command = track_hand(made)
    whole = wholes("track_hand")
    # What was planned is larger than any checkpoint; PPO's is the largest of those.
    shutil.copytree(whole / RUN / "planned", tmp_path / RUN / "planned")
    full = checkpoints_in(whole / RUN / "ppo")[-1].with_suffix(".safetensors").stat().st_size - 1
    running = command.start(tmp_path, limit=full)
    assert running.wait(timeout=300) == 1
    said = said_in(tmp_path)
    assert f"cannot write {RUN}/ppo" in said
    assert "File too large" in said
    assert "Traceback" not in said
    # Nothing is damaged, and nothing lies about.
    assert "slope/000013.json" in command.arrays(tmp_path)
    assert not list((tmp_path / RUN).rglob("*.part*"))
    command.finish(tmp_path)
    command.assert_same(whole, tmp_path)


def test_the_same_on_warp(made, tmp_path):
    """On its CPU device, where there is no GPU; a run goes on only with what has begun it."""
    pytest.importorskip("mujoco_warp")
    command = distill_latent(
        made, "--backend", "warp", "--latent.iterations", "2", "--slope.iterations", "2"
    )
    command.finish(tmp_path / "whole")
    reached = command.kill_often(
        tmp_path / "parts", command.reached(tmp_path / "whole"), 4, np.random.default_rng(0)
    )
    assert len(set(reached)) > 1
    other = distill_latent(
        made, "--backend", "cpu", "--latent.iterations", "2", "--slope.iterations", "2"
    )
    assert other.start(tmp_path / "parts").wait(timeout=300) == 1
    assert "was made with backend 'warp" in said_in(tmp_path / "parts")
    command.finish(tmp_path / "parts")
    command.assert_same(tmp_path / "whole", tmp_path / "parts")
