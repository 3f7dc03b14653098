"""Names and places of policies' files, the bundled ones among them."""

from __future__ import annotations

import warnings
from importlib.resources import as_file, files
from os import PathLike
from pathlib import Path

TRACKING = "tracking.json"
"""Name of a tracking policy's file in the folder that it is saved to."""

LATENT_SPACE = "latent_space.json"
"""The same of a latent action space."""

HIGH_LEVEL = "high_level.json"
"""The same of a high-level policy."""

BUNDLED_PACKAGE = "musclehand.models.policies"
"""Package whose data are the bundled policies."""

BUNDLED = ("tracking", "tracking_delayed", "sight_reading")
"""Names of the bundled policies: two tracking policies, and a high-level policy with its latent
action space. They can be given in place of a path."""

_EARLIER = {
    ("policies", "000001.json"): "tracking",
    ("policies", "000002.json"): "tracking_delayed",
    ("planners", "000001.json"): "sight_reading",
}
"""Bundled policies by folder and name of their files in release 0.1."""

_EARLIER_NAME = "000001.json"
"""Name of all saved policies in release 0.1."""


def bundled_path(name: str) -> Path:
    """Path of a bundled policy's JSON file.

    Args:
        name: one of `BUNDLED`.
    """
    with as_file(files(BUNDLED_PACKAGE)) as folder:
        return folder / f"{name}.json"


def find_policy(path: str | PathLike[str] | None, name: str, default: str) -> Path:
    """Path of a policy's JSON file.

    Args:
        path: of the JSON file, one of `BUNDLED`, or None for the default. A path of release 0.1
            finds the file that has taken its place, with a `FutureWarning`.
        name: of the file in the folder that policies of this kind are saved to.
        default: one of `BUNDLED`.
    """
    if path is None:
        return bundled_path(default)
    if isinstance(path, str) and path in BUNDLED:
        return bundled_path(path)
    path = Path(path)
    if len(path.parts) == 1 and path.name in BUNDLED and not path.exists():
        return bundled_path(path.name)
    if path.exists():
        return path
    successor = path.with_name(name)
    if path.name == _EARLIER_NAME and successor.exists():
        return _warned(path, successor)
    bundled = _EARLIER.get((path.absolute().parent.name, path.name))
    if bundled is not None and "models" in path.absolute().parts:
        return _warned(path, bundled_path(bundled))
    return path


def _warned(path: Path, successor: Path) -> Path:
    warnings.warn(
        f"{path} is a path of release 0.1; {successor} is read in its place",
        FutureWarning,
        stacklevel=4,
    )
    return successor
