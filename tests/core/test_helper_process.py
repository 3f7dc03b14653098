"""The second process: blocks in order, never many ahead, and nothing left of it however either
side ends."""

import gc
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from musclehand.core.helper_process import MOST_AHEAD, HelperProcess, processors

SIZE = 4096
PATIENCE = 30.0

same_numbers = partial(np.full, SIZE)
"""Block 7 is all sevens."""


def helper(make=same_numbers):
    worker = HelperProcess("numpy")
    worker.start(make, SIZE)
    return worker


def gone(pid):
    """Whether a process is no more, or no more than a zombie that is not ours."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def script(tmp_path, text):
    """Another Python, without a main guard, in a process group of its own."""
    path = tmp_path / "script.py"
    path.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


HELD = """
import signal, sys, time, numpy as np
# A shell lets what it runs in the background ignore Ctrl-C, which would be inherited here.
signal.signal(signal.SIGINT, signal.default_int_handler)
from functools import partial
from musclehand.core.helper_process import HelperProcess
helper = HelperProcess("numpy")
helper.start(partial(np.full, 4096), 4096)
assert (helper.take(2, wait=True) == 2.0).all()
print(helper.pid, flush=True)
"""


def test_blocks_come_in_order_and_some_may_be_left_out():
    worker = helper()
    for number in (0, 1, 2, 7, 8, 40):
        assert np.array_equal(worker.take(number, wait=True), np.full(SIZE, float(number)))
    worker.close()
    assert gone(worker.pid)
    assert worker.take(41, wait=True) is None
    worker.close()


def test_without_waiting_there_may_be_nothing_yet():
    worker = helper()
    end = time.monotonic() + PATIENCE
    while (block := worker.take(3, wait=False)) is None and time.monotonic() < end:
        time.sleep(0.01)
    assert (block == 3.0).all()
    worker.close()


def test_few_blocks_are_ever_ahead():
    worker = helper()
    worker.take(0, wait=True)
    time.sleep(0.5)
    assert len(worker._channel._blocks) <= MOST_AHEAD
    worker.close()


def test_a_child_that_dies_is_waited_for_no_longer():
    worker = helper()
    worker.take(0, wait=True)
    os.kill(worker.pid, signal.SIGKILL)
    number = 1
    while worker.take(number, wait=True) is not None:
        number += 1
    assert number < 40  # what was under way
    worker.close()
    assert worker._channel.process.returncode == -signal.SIGKILL


def test_a_maker_that_fails_ends_the_child():
    worker = helper(partial(np.zeros, 4, "no type"))
    assert worker.take(0, wait=True) is None
    worker.close()


def test_a_helper_forgotten_ends():
    pid = helper().pid
    gc.collect()
    assert gone(pid)


def test_where_no_process_can_be_started_it_is_of_no_help(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    worker = HelperProcess("numpy")
    worker.start(same_numbers, SIZE)
    assert worker.pid is None
    assert worker.take(0, wait=True) is None
    worker.close()


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("ending", "signals"),
    [
        ("pass", []),
        ("time.sleep(60)", [signal.SIGKILL]),
        ("time.sleep(60)", [signal.SIGINT]),
        ("1 / 0", []),
    ],
)
def test_nothing_is_left_when_a_script_ends(tmp_path, ending, signals):
    """A Ctrl-C goes to the whole group; a kill leaves the parent no time for anything."""
    with script(tmp_path, HELD + ending) as parent:
        pid = int(parent.stdout.readline())
        for number in signals:
            os.killpg(parent.pid, number)
        parent.wait(PATIENCE)
    assert gone(pid)


def test_processors_are_those_of_this_process():
    assert 1 <= processors() <= os.cpu_count()
