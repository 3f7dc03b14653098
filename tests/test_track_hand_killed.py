"""The training command as it is run: killed again and again, and on a disk that is full, it ends with the same bits."""

import csv
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tracking_clips import write_small_corpus

from musclehand.learning.checkpoint import checkpoints_in, load_checkpoint

pytest.importorskip("rsl_rl")
pytestmark = pytest.mark.slow

COMMAND = Path(__file__).parents[1] / "experiments" / "track_hand.py"
KILLS, EVERY = 20, 5
"""Every fifth is while the command starts."""

SAID = "said.txt"
SMALL = (
    *("--out", "run", "--envs", "4", "--scores", "1"),
    *("--warm.steps", "10", "--warm.updates", "5", "--warm.batch", "16", "--warm.hidden", "16", "--warm.memory", "3"),
    *("--slope.steps", "8", "--slope.minibatches", "2"),
    *("--ppo.steps", "8", "--ppo.minibatches", "2", "--ppo.epochs", "1", "--ppo.critic", "16"),
    *("--ppo.critic-alone", "1"),
)
FOLDERS = ("planned", "warm", "warm/labels", "slope", "ppo", "policy")
LENGTH = ("--warm.iterations", "13", "--slope.iterations", "13", "--ppo.iterations", "13")
TIMES = {"seconds", "steps_s"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_small_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A folder in which the command has run undisturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert start(corpus, folder, *LENGTH).wait(timeout=300) == 0, (folder / SAID).read_text()
    return folder


def start(corpus, folder, *options, limit=None):
    """The command; it writes no file larger than `limit` bytes."""
    folder.mkdir(exist_ok=True)
    with open(folder / SAID, "w") as said:
        return subprocess.Popen(
            [sys.executable, str(COMMAND), str(corpus), *SMALL, *options],
            cwd=folder,
            stdout=said,
            stderr=said,
            preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
        )


def checkpoints(run):
    return [path for name in FOLDERS for path in checkpoints_in(run / name)]


def arrays_of(run):
    """What is in all checkpoints; fails if one cannot be read."""
    return {str(path.relative_to(run)): load_checkpoint(path).arrays for path in checkpoints(run)}


def rows_of(run):
    path = run / "metrics.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]


def assert_same(one, two):
    """All that the runs have left, but for times, and for what the last words were."""
    assert rows_of(one) == rows_of(two)
    mine, other = arrays_of(one), arrays_of(two)
    assert mine.keys() == other.keys()
    for path, arrays in mine.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, other[path][name], err_msg=f"{path} {name}")
    for name in ("policy/000001.safetensors", "policy/000001.json", "scores.json", "config.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def wait_for_row(running, run, wanted):
    while running.poll() is None and len(rows_of(run)) < wanted:
        time.sleep(0.02)


def test_killed_twenty_times_it_ends_with_the_same_bits(corpus, whole, tmp_path):
    seed = int(time.time())
    rng = np.random.default_rng(seed)
    run, total = tmp_path / "run", len(rows_of(whole / "run"))
    reached = []
    for number in range(KILLS):
        running = start(corpus, tmp_path, *LENGTH)
        wanted = total * (number + 1) / (KILLS + 2)
        # Some die while they start, the others all over the training; a row is written just before its checkpoint.
        if number % EVERY == 2 or len(rows_of(run)) >= wanted:
            time.sleep(rng.uniform(0.0, 4.0))
        else:
            wait_for_row(running, run, wanted)
            time.sleep(rng.uniform(0.0, 0.15))
        running.send_signal(signal.SIGKILL)
        assert running.wait(timeout=60) == -signal.SIGKILL, f"kill {number} of {seed}: {(tmp_path / SAID).read_text()}"
        # None is ever damaged.
        arrays_of(run)
        reached.append(len(rows_of(run)))
    assert len(set(reached)) > KILLS // 3, f"kills of {seed} were not spread over the training: {reached}"
    print(f"killed at rows {reached} of {total}")
    assert start(corpus, tmp_path, *LENGTH).wait(timeout=300) == 0, (tmp_path / SAID).read_text()
    assert_same(whole / "run", run)


def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(corpus, whole, tmp_path):
    # What was planned is larger than any checkpoint; PPO's is the largest of those.
    shutil.copytree(whole / "run" / "planned", tmp_path / "run" / "planned")
    full = checkpoints_in(whole / "run" / "ppo")[-1].with_suffix(".safetensors").stat().st_size - 1
    running = start(corpus, tmp_path, *LENGTH, limit=full)
    assert running.wait(timeout=300) == 1
    said = (tmp_path / SAID).read_text()
    assert "cannot write run/ppo" in said
    assert "File too large" in said
    assert "Traceback" not in said
    # Nothing is damaged, and nothing lies about.
    assert "slope/000013.json" in arrays_of(tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.part"))
    assert start(corpus, tmp_path, *LENGTH).wait(timeout=300) == 0, (tmp_path / SAID).read_text()
    assert_same(whole / "run", tmp_path / "run")
