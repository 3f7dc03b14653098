"""The process of a surrogate world: the only place where its truth is known."""

from __future__ import annotations

import os
import sys
from typing import Any

from musclehand.core.errors import MusclehandError
from musclehand.world.changes import make_world
from musclehand.world.names import parse_world
from musclehand.world.simulated import SimulatedWorld
from musclehand.world.surrogate import ADVANCE, BEGIN, PROBLEM, REPLY, receive, send
from musclehand.world.truth import draw_truth


def main(name: str) -> None:
    """Answers requests from stdin on stdout, until stdin ends.

    Args:
        name: of the world.
    """
    parsed = parse_world(name)
    world = make_world(draw_truth(parsed), seed=parsed.seed)
    with open(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # prints of other code must not mix with the answers
        while True:
            try:
                request, content = receive(sys.stdin.buffer)
            except EOFError:
                return
            try:
                answer = (REPLY, answer_to(world, request, content))
            except MusclehandError as problem:
                answer = (PROBLEM, str(problem))
            try:
                send(out, answer)
            except OSError:
                # The parent reads no more.
                return


def answer_to(world: SimulatedWorld, request: str, content: Any) -> Any:
    """What a world answers to a request.

    Args:
        world: that is asked.
        request: one of those of `world.surrogate`.
        content: that comes with it.
    """
    if request == BEGIN:
        world.begin(content)
        return world.sense()
    if request == ADVANCE:
        logged = world.advance(*content)
        return logged, world.sense()
    return world.heard()
