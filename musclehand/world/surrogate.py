"""A surrogate world in a process of its own, which gives senses, notes and a log, and nothing else.

Its parameters are drawn there by seed (`world.truth`) and never reach this process: whoever wants
to know them has to find them out by playing. Messages are pickled records, each after its length;
both ends are this library.
"""

from __future__ import annotations

import pickle
import struct
import subprocess
from contextlib import suppress
from typing import IO, Any

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.core.helper_process import start_process
from musclehand.music.score import Score
from musclehand.world.names import SurrogateName, parse_world
from musclehand.world.senses import Senses
from musclehand.world.world import Start, World, WorldError

_LENGTH = struct.Struct("<q")

_CHILD = "musclehand.world.surrogate_process"

BEGIN, ADVANCE, HEARD = "begin", "advance", "heard"
"""Requests to the process."""

REPLY, PROBLEM = "reply", "problem"
"""Kinds of its answers."""


def surrogate(tier: str, seed: int) -> SurrogateWorld:
    """A surrogate world.

    Args:
        tier: one of `world.names.TIERS`.
        seed: of the draw of its parameters, and of its noise.

    Raises:
        InvalidValue: no such world.
    """
    return SurrogateWorld(parse_world(f"surrogate:{tier}:{seed}"))


def open_world(name: str) -> World:
    """The world of a name such as "surrogate:t1:7"; it is to be closed.

    Raises:
        InvalidValue: no such world.
    """
    return SurrogateWorld(parse_world(name))


class SurrogateWorld(World):
    """Speaks with the process of a surrogate world, which is started by `begin`."""

    def __init__(self, name: SurrogateName) -> None:
        """
        Args:
            name: of the world.
        """
        self.name = str(name)
        self._process: subprocess.Popen[bytes] | None = None
        self._felt: Senses | None = None

    @override
    def begin(self, start: Start) -> None:
        if self._process is None:
            self._process = start_process(_CHILD, f"{_CHILD}.main({self.name!r})")
            if self._process is None:
                raise WorldError(f"{self.name}: its process cannot be started")
        self._felt = self._ask(BEGIN, start)

    @override
    def sense(self) -> Senses:
        if self._felt is None:
            raise WorldError(f"{self.name}: has not begun")
        return self._felt

    @override
    def advance(self, commands: np.ndarray, pedal: np.ndarray) -> Senses:
        logged, self._felt = self._ask(ADVANCE, (commands, pedal))
        return Senses(*logged)

    @override
    def heard(self) -> Score:
        score = self._ask(HEARD, None)
        assert isinstance(score, Score)
        return score

    @override
    def inside(self) -> mujoco.MjData | None:
        return None

    @override
    def close(self) -> None:
        process, self._process, self._felt = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what could not be sent is of no use any more
                    pipe.close()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.close()

    def _ask(self, request: str, content: object) -> Any:
        """What the process answers.

        Raises:
            WorldError: it cannot go on, or has ended.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise WorldError(f"{self.name}: has not begun")
        try:
            send(process.stdin, (request, content))
            kind, answer = receive(process.stdout)
        except (OSError, EOFError) as problem:
            self.close()
            raise WorldError(f"{self.name}: its process has ended") from problem
        if kind == PROBLEM:
            raise WorldError(f"{self.name}: {answer}")
        return answer


def send(pipe: IO[bytes], message: object) -> None:
    """Writes a message to a pipe."""
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Reads a message from a pipe.

    Raises:
        EOFError: the writer has ended.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return pickle.loads(content)
