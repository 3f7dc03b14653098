"""Rules that the tables of `models/hand` keep with each other, beyond those of single entries."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from musclehand.body.anatomy import HAND_JOINTS, PALM_JOINTS
from musclehand.core.errors import ModelError

if TYPE_CHECKING:
    from musclehand.body.build.table_rows import HandTables, PathRow

PATHS = "paths.csv"

POINTS = ("base_site", "site", "joint_site")
"""Kinds of stations at which a tendon has a point."""

FEWEST_POINTS = 2
"""Fewest points of a path or a branch, its origin and insertion."""


def check_tables(tables: HandTables) -> None:
    """Checks that tables fit each other.

    Args:
        tables: all tables of a hand.

    Raises:
        ModelError: a joint of the hand has no row, a joint of the palm no axis, a muscle no path; a
            path does not begin and end with a point, its rows do not follow each other, or two
            points of one name have different places.
    """
    joints = {row.joint for row in tables.joints}
    for joint in HAND_JOINTS:
        if joint not in joints and joint not in PALM_JOINTS:
            raise ModelError("joints.csv", f"has no row for {joint}")
    added = {row.joint for row in tables.added_joints}
    for joint in sorted(added - joints):
        raise ModelError("added_joints.csv", f"{joint} has no row in joints.csv")
    for joint in PALM_JOINTS:
        if joint in joints and joint not in added:
            raise ModelError("joints.csv", f"{joint} has no axis in added_joints.csv")
    for wrap in tables.wraps:
        if wrap.joint not in joints:
            problem = f"{wrap.name} goes about {wrap.joint}, which has no row in joints.csv"
            raise ModelError("wraps.csv", problem)
    _check_paths(tables)


def _check_paths(tables: HandTables) -> None:
    paths: dict[str, list[PathRow]] = {}
    for muscle, rows in groupby(tables.paths, key=lambda row: row.muscle):
        if muscle in paths:
            problem = f"the rows of {muscle} do not follow each other"
            raise ModelError(PATHS, problem)
        paths[muscle] = list(rows)
    for muscle in tables.muscle_names:
        if muscle not in paths:
            raise ModelError(PATHS, f"has no path of {muscle}, a muscle of muscles.csv")
        _check_path(muscle, paths[muscle])
    _check_places(tables.paths)


def _check_path(muscle: str, path: list[PathRow]) -> None:
    """Checks the order of the stations of one path."""
    branches: list[list[PathRow]] = [[]]
    for row in path:
        if row.kind == "pulley":
            branches.append([])
        else:
            branches[-1].append(row)
    for branch in branches:
        stations = [row for row in branch if row.kind != "side"]
        points = [row.name for row in stations if row.kind in POINTS]
        if len(points) < FEWEST_POINTS:
            part = "a branch of " if len(branches) > 1 else ""
            problem = (
                f"{part}{muscle} has {len(points)} points; it needs an origin and an insertion"
            )
            raise ModelError(PATHS, problem)
        for row in (stations[0], stations[-1]):
            if row.kind not in POINTS:
                end = "begins" if row is stations[0] else "ends"
                problem = f"{muscle} {end} with {row.kind} {row.name}; it must be a point"
                raise ModelError(PATHS, problem)
        for name in points:
            if points.count(name) > 1:
                raise ModelError(PATHS, f"{muscle} goes through {name} twice")
    _check_sides(muscle, path)


def _check_sides(muscle: str, path: list[PathRow]) -> None:
    """Checks that the point beside a wrap is the one that the wrap names."""
    for row, following in pairwise(path):
        if row.kind == "side" and following.side_site != row.name:
            problem = f"{muscle}: {row.name} selects the side of a wrap, but the next row, "
            raise ModelError(PATHS, f"{problem}{following.name}, does not name it as side_site")


def _check_places(rows: tuple[PathRow, ...]) -> None:
    """Checks that points of one name are one point."""
    places: dict[str, PathRow] = {}
    for row in rows:
        if row.pos is None:
            continue
        first = places.setdefault(row.name, row)
        if (first.body, first.pos) != (row.body, row.pos):
            problem = (
                f"{row.name} of {row.muscle} has another place than {row.name} of {first.muscle}"
            )
            raise ModelError(PATHS, f"{problem}; two rows of one name mean the same point")
