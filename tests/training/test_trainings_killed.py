"""Training commands as they are run: killed again and again, or on a full disk, they end with the
same bits."""

import shutil
import time

import numpy as np
import pytest

from musclehand.core.checkpoint import checkpoints_in
from musclehand.music.formats.midi import write_midi
from support.killed import RUN, Command, output_in
from support.small_high_level import MIRRORED, small_high_level, small_latent_space
from support.track_command import APG, LABELLED, train, train_track
from support.tracking_clips import write_small_corpus

pytest.importorskip("rsl_rl")
pytestmark = pytest.mark.slow

KILLS = 20


def train_latent(inputs, *more):
    """Distillation and analytic policy gradients."""
    distillation = LABELLED.format("distillation")
    return Command(
        train(
            f"latent {inputs / 'corpus'} --out {RUN} --envs 4 --scores 1 --clips 1",
            f"--distillation.latent-size 6 --distillation.iterations 13 {distillation}",
            *(APG, *more),
        ),
        ("planned", "distillation", "distillation/labels", "apg", "policy"),
        ("policy/latent_space.safetensors", "policy/latent_space.json", "sequences.csv"),
    )


def train_generalist(inputs):
    """Behavioural cloning and DAgger."""
    stages = [
        f"--{stage}.iterations 10 {LABELLED.format(stage)}" for stage in ("cloning", "dagger")
    ]
    return Command(
        train(
            f"generalist {inputs / 'latent_space' / 'latent_space.json'} --out {RUN} --worlds 2",
            "--patterns 1 --textures 0 --chorales 0 --accompaniments 1",
            *(*stages, "--dagger.static-steps 3"),
        ),
        ("pieces", "cloning", "cloning/labels", "dagger", "dagger/labels", "policy"),
        ("policy/high_level.safetensors", "policy/high_level.json"),
    )


def train_piece(inputs):
    """DAgger on a piece."""
    policy = inputs / "high_level" / "high_level.json"
    return Command(
        train(f"piece {inputs / 'song.mid'} --out {RUN} --iterations 5 --policy {policy}"),
        ("plan", "dagger", "dagger/labels", "policy"),
        ("policy/high_level.safetensors", "policy/high_level.json"),
    )


COMMANDS = {
    "track": train_track,
    "latent": train_latent,
    "generalist": train_generalist,
    "piece": train_piece,
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with the inputs of the commands."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "corpus").mkdir()
    write_small_corpus(folder / "corpus")
    small_high_level(folder / "high_level", small_latent_space(folder / "latent_space"))
    write_midi(MIRRORED, folder / "song.mid")
    return folder


@pytest.fixture(scope="module")
def wholes(inputs, tmp_path_factory):
    """A folder for each command, in which it has run undisturbed; made when it is asked for."""
    folders = {}

    def whole(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            COMMANDS[name](inputs).finish(folders[name])
        return folders[name]

    return whole


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_twenty_times_it_ends_with_the_same_bits(name, inputs, wholes, tmp_path):
    command = COMMANDS[name](inputs)
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


def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(inputs, wholes, tmp_path):
    command = train_track(inputs)
    whole = wholes("track")
    # The plans are larger than any checkpoint; PPO's is the largest of those.
    shutil.copytree(whole / RUN / "planned", tmp_path / RUN / "planned")
    full = checkpoints_in(whole / RUN / "ppo")[-1].with_suffix(".safetensors").stat().st_size - 1
    running = command.start(tmp_path, limit=full)
    assert running.wait(timeout=300) == 2
    output = output_in(tmp_path)
    assert f"cannot write {RUN}/ppo" in output
    assert "File too large" in output
    assert "Traceback" not in output
    # Nothing is damaged, and nothing lies about.
    assert "apg/000013.json" in command.arrays(tmp_path)
    assert not list((tmp_path / RUN).rglob("*.part*"))
    command.finish(tmp_path)
    command.assert_same(whole, tmp_path)


def test_the_same_on_warp(inputs, tmp_path):
    """On its CPU device, where there is no GPU; a run is resumed only by the backend that began
    it."""
    pytest.importorskip("mujoco_warp")
    short = "--distillation.iterations 2 --apg.iterations 2"
    command = train_latent(inputs, "--backend warp", short)
    command.finish(tmp_path / "whole")
    reached = command.kill_often(
        tmp_path / "parts", command.reached(tmp_path / "whole"), 4, np.random.default_rng(0)
    )
    assert len(set(reached)) > 1
    other = train_latent(inputs, "--backend cpu", short)
    assert other.start(tmp_path / "parts").wait(timeout=300) == 2
    assert "was made with backend 'warp" in output_in(tmp_path / "parts")
    command.finish(tmp_path / "parts")
    command.assert_same(tmp_path / "whole", tmp_path / "parts")
