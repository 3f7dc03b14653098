"""Training commands as they are run, to be killed again and again, and what they leave in their
folders."""

import csv
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.checkpoint import checkpoints_in, load_checkpoint

EVERY = 5
"""Every fifth run is killed while it starts."""

RUN = "run"
"""Folder of the training in the folder of the command."""

OUTPUT = "output.txt"
"""File of what a command prints."""

TIMES = {"seconds", "steps_s"}
"""Columns of `metrics.csv` that are times."""


class Command(NamedTuple):
    """A training command, run in a folder of its own."""

    arguments: tuple[str, ...]
    """Of Python."""

    folders: tuple[str, ...]
    """Folders of checkpoints, in the folder of the training."""

    files: tuple[str, ...]
    """Files of a finished training, likewise."""

    run: str = RUN
    """Folder of the training."""

    def start(self, folder, *, limit=None):
        """Runs it; it writes no file larger than `limit` bytes."""
        folder.mkdir(exist_ok=True)
        with open(folder / OUTPUT, "w") as output:
            return subprocess.Popen(
                [sys.executable, *self.arguments],
                cwd=folder,
                stdout=output,
                stderr=output,
                preexec_fn=limit
                and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
            )

    def finish(self, folder):
        """Runs it to its end."""
        assert self.start(folder).wait(timeout=600) == 0, output_in(folder)

    def reached(self, folder):
        """Number of iterations that are done, of all stages."""
        newest = [
            paths[-1]
            for name in self.folders
            if (paths := checkpoints_in(folder / self.run / name))
        ]
        return sum(int(path.stem) for path in newest)

    def arrays(self, folder):
        """Arrays of all checkpoints; fails if one cannot be read."""
        paths = [path for name in self.folders for path in checkpoints_in(folder / self.run / name)]
        return {
            str(path.relative_to(folder / self.run)): load_checkpoint(path).arrays for path in paths
        }

    def rows(self, folder):
        """Rows of its metrics, without times."""
        path = folder / self.run / "metrics.csv"
        if not path.exists():
            return []
        with open(path, newline="") as file:
            return [
                {name: value for name, value in row.items() if name not in TIMES}
                for row in csv.DictReader(file)
            ]

    def kill_often(self, folder, total, kills, rng):
        """Runs it and kills it, over and over, while it starts and all over its `total`
        iterations; how far it was."""
        reached = []
        for number in range(kills):
            running = self.start(folder)
            wanted = total * (number + 1) / (kills + 2)
            if number % EVERY == 2 or self.reached(folder) >= wanted:
                time.sleep(rng.uniform(0.0, 4.0))
            else:
                while running.poll() is None and self.reached(folder) < wanted:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0.0, 0.2))
            running.send_signal(signal.SIGKILL)
            assert running.wait(timeout=60) == -signal.SIGKILL, (
                f"kill {number}: {output_in(folder)}"
            )
            # No checkpoint is ever damaged.
            self.arrays(folder)
            reached.append(self.reached(folder))
        return reached

    def assert_same(self, first, second):
        """Asserts that runs in two folders have left the same."""
        assert self.rows(first) == self.rows(second)
        arrays = self.arrays(first)
        again = self.arrays(second)
        assert arrays.keys() == again.keys()
        for path, checkpoint in arrays.items():
            for name, values in checkpoint.items():
                np.testing.assert_array_equal(values, again[path][name], err_msg=f"{path} {name}")
        for name in self.files:
            path = self.run, name
            assert first.joinpath(*path).read_bytes() == second.joinpath(*path).read_bytes(), name


def output_in(folder):
    """The output of the command that was run there last."""
    return Path(folder, OUTPUT).read_text()
