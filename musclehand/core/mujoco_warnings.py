"""MuJoCo's warnings kept off the terminal and out of `MUJOCO_LOG.TXT`, and handed to whoever
asks for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import mujoco


@contextmanager
def silence_mujoco() -> Iterator[list[str]]:
    """Within it MuJoCo's warnings are collected in the list given, and nothing is printed or
    logged.

    May be nested: the innermost one hears a warning, and afterwards the one around it does again.
    """
    said: list[str] = []
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(said.append)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield said
    finally:
        mujoco.set_mju_user_warning(before)
