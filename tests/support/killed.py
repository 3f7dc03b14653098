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
"""Every fifth is killed while it starts."""

RUN = "run"
SAID = "said.txt"
TIMES = {"seconds", "steps_s"}


class Command(NamedTuple):
    """`arguments` of Python, run in a folder of its own, where the training is in `run`; in
    `folders` of that are checkpoints, and `files` are the same whenever the training has come to
    its end."""

    arguments: tuple[str, ...]
    folders: tuple[str, ...]
    files: tuple[str, ...]
    run: str = RUN

    def start(self, folder, *, limit=None):
        """Runs it; it writes no file larger than `limit` bytes."""
        folder.mkdir(exist_ok=True)
        with open(folder / SAID, "w") as said:
            return subprocess.Popen(
                [sys.executable, *self.arguments],
                cwd=folder,
                stdout=said,
                stderr=said,
                preexec_fn=limit
                and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
            )

    def finish(self, folder):
        """Runs it to its end."""
        assert self.start(folder).wait(timeout=600) == 0, said_in(folder)

    def reached(self, folder):
        """How many iterations are done, of all stages."""
        newest = [
            paths[-1]
            for name in self.folders
            if (paths := checkpoints_in(folder / self.run / name))
        ]
        return sum(int(path.stem) for path in newest)

    def arrays(self, folder):
        """What is in all checkpoints; fails if one cannot be read."""
        paths = [path for name in self.folders for path in checkpoints_in(folder / self.run / name)]
        return {
            str(path.relative_to(folder / self.run)): load_checkpoint(path).arrays for path in paths
        }

    def rows(self, folder):
        """Its metrics, but for times."""
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
            assert running.wait(timeout=60) == -signal.SIGKILL, f"kill {number}: {said_in(folder)}"
            # None is ever damaged.
            self.arrays(folder)
            reached.append(self.reached(folder))
        return reached

    def assert_same(self, one, two):
        """All that runs in two folders have left."""
        assert self.rows(one) == self.rows(two)
        mine = self.arrays(one)
        other = self.arrays(two)
        assert mine.keys() == other.keys()
        for path, arrays in mine.items():
            for name, values in arrays.items():
                np.testing.assert_array_equal(values, other[path][name], err_msg=f"{path} {name}")
        for name in self.files:
            assert (one / self.run / name).read_bytes() == (two / self.run / name).read_bytes(), (
                name
            )


def said_in(folder):
    """What the command that was run there last has said."""
    return Path(folder, SAID).read_text()
