"""MuJoCo's warnings collected in a list, kept off the terminal and out of `MUJOCO_LOG.TXT`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import mujoco


@contextmanager
def silence_mujoco() -> Iterator[list[str]]:
    """Collects MuJoCo's warnings within the block, in the order in which they are raised.

    Nothing is printed or logged, Python warnings included. Blocks may be nested: a warning goes to
    the innermost one.

    Yields:
        The list to which warnings are added.
    """
    messages: list[str] = []
    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(messages.append)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield messages
    finally:
        mujoco.set_mju_user_warning(handler)
