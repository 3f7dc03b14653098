"""Which joint or muscle of a hand each number of an observation belongs to.

A policy's file has the names of its hand's joints and muscles in their order. By them, a training
can begin with the weights of a policy for another hand (`policies.start`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import FileError
from musclehand.envs.observation import ObservationTable
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.envs.tracking.observation import sized_tracking_table

ENTRY = "layout"
"""Entry of a file's metadata that has a layout."""

MAX_PARTS = 10_000
"""Most joints or muscles that a file may name."""

EARLIER_JOINTS = (
    *("pro_sup", "deviation", "flexion"),
    *("cmc_flexion", "cmc_abduction", "mp_flexion", "ip_flexion"),
    *("mcp2_flexion", "mcp2_abduction", "pm2_flexion", "md2_flexion"),
    *("mcp3_flexion", "mcp3_abduction", "pm3_flexion", "md3_flexion"),
    *("mcp4_flexion", "mcp4_abduction", "pm4_flexion", "md4_flexion"),
    *("mcp5_flexion", "mcp5_abduction", "pm5_flexion", "md5_flexion"),
)
"""Joints of the hand in releases 0.1 and 0.2, whose files do not name them. The joints from `md2`
to `md5` follow others."""

EARLIER_MUSCLES = (
    *("ECRL", "ECRB", "ECU", "FCR", "FCU", "PL", "PT", "PQ", "SUP", "BIC"),
    *("FDS2", "FDS3", "FDS4", "FDS5", "FDP2", "FDP3", "FDP4", "FDP5"),
    *("EDC2", "EDC3", "EDC4", "EDC5", "EDM", "EIP", "FPL", "EPL", "EPB", "APL"),
    *("OP", "APB", "FPB", "ADPo", "ADPt", "LU1", "LU2", "LU3", "LU4"),
    *("DI1", "DI2", "DI3", "DI4", "PI1", "PI2", "PI3", "ADM", "FDM"),
)
"""Muscles of the hand in releases 0.1 and 0.2."""

_JOINT_BLOCKS = ("angle", "speed")
_INDEPENDENT_BLOCKS = ("angle_error", "speed_error", "speed_reference", "ahead_#")
_MUSCLE_BLOCKS = ("activation", "length", "velocity", "force", "excitation_#")


class HandLayout(NamedTuple):
    """Names of the parts of a hand, in their order in observations and actions."""

    joints: tuple[str, ...]
    """All joints."""

    independent: tuple[str, ...]
    """Joints that do not follow another one."""

    muscles: tuple[str, ...]
    """Muscles, without the side."""


EARLIER_LAYOUT = HandLayout(
    EARLIER_JOINTS,
    tuple(joint for joint in EARLIER_JOINTS if not joint.startswith("md")),
    EARLIER_MUSCLES,
)
"""Layout of the hand in releases 0.1 and 0.2."""


def hand_layout(hand: HandIndex) -> HandLayout:
    """The layout of a hand in a model."""
    return HandLayout(
        hand.joints,
        tuple(hand.joints[number] for number in hand.independent),
        tuple(name.removesuffix(f"_{hand.side.value}") for name in hand.muscle_names),
    )


def layout_info(layout: HandLayout) -> dict[str, Any]:
    """The entry of a file's metadata that `layout_from` reads."""
    return {ENTRY: {name: list(parts) for name, parts in layout._asdict().items()}}


def layout_from(info: Mapping[str, Any], path: Path) -> HandLayout:
    """The layout that a file's metadata has; that of the earlier releases if it has none.

    Args:
        info: metadata of the file.
        path: of the file, for the message.

    Raises:
        FileError: the entry is not a layout.
    """
    if ENTRY not in info:
        return EARLIER_LAYOUT
    entry = info[ENTRY]
    if not isinstance(entry, dict) or entry.keys() != set(HandLayout._fields):
        raise FileError(path, f"names no joints and muscles ({ENTRY})")
    for name, parts in entry.items():
        if not (
            isinstance(parts, list)
            and 0 < len(parts) <= MAX_PARTS
            and all(isinstance(part, str) for part in parts)
            and len(set(parts)) == len(parts)
        ):
            raise FileError(path, f"has a {ENTRY} whose {name} are not names, each only once")
    return HandLayout(**{name: tuple(parts) for name, parts in entry.items()})


def layout_table(layout: HandLayout, config: TrackingConfig) -> ObservationTable:
    """Table of a tracking policy's observation of a hand with this layout.

    Args:
        layout: of the hand.
        config: of the environment, with its look-ahead and action history.
    """
    return sized_tracking_table(
        len(layout.joints),
        len(layout.independent),
        len(layout.muscles),
        config.look_ahead,
        action_history=config.action_history,
    )


def number_names(table: ObservationTable, layout: HandLayout) -> list[str]:
    """A name for each number of an observation, such as "angle/mcp2_flexion" or "tip/3".

    Args:
        table: a tracking table, or a piano table, of a hand with this layout.
        layout: of the hand.
    """
    return [
        f"{block.name}/{part}"
        for block in table.blocks
        for part in _parts(block.name, layout) or range(block.size)
    ]


def _parts(block: str, layout: HandLayout) -> Sequence[str]:
    """The parts of the hand that the numbers of a block belong to; none for other blocks."""
    kind = re.sub(r"_[0-9]+$", "_#", block)
    for blocks, parts in (
        (_JOINT_BLOCKS, layout.joints),
        (_INDEPENDENT_BLOCKS, layout.independent),
        (_MUSCLE_BLOCKS, layout.muscles),
    ):
        if kind in blocks:
            return parts
    return ()
