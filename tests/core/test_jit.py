"""Compiled functions are the functions; where nothing can be kept on disk they still are."""

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
