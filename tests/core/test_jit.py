"""Compiled functions are the functions; where nothing can be kept on disk they still are."""

import os
import subprocess
import sys

import numba
import pytest

from musclehand.core import jit as module


def double(number):
    return 2 * number


def test_compiled_is_the_same_function():
    assert module.compiled(double)(21) == 42


def test_without_a_folder_to_keep_it_in(monkeypatch):
    asked = []

    def njit(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(module, "njit", njit)
    assert module.compiled(double)(2.5) == pytest.approx(5.0)
    assert [bool(options.get("cache")) for options in asked] == [True, False]


COMPILE = """
import logging
import numpy as np
logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
from musclehand.planning.trajectory import smoothness
from musclehand.planning.trajectory.problem import Smoothness
for knots in (5, 6):
    for dtype in (float, np.float32):
        u = np.zeros((knots, 6), dtype=dtype)
        smoothness.roughness(u, Smoothness(np.ones(6), np.ones(4), 1.0))
"""


def test_the_first_compilation_of_a_process_is_told_once_and_none_that_is_kept(tmp_path):
    told = []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", COMPILE],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        told.append(run.stderr.count("musclehand.core.jit: compiling"))
    assert told == [1, 0]
