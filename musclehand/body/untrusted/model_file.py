"""Guarded reading of an untrusted MJCF file: a usable model, or an error of one line.

Two checks come before MuJoCo reads the file in this process. The file is parsed as XML, and its
includes, numbers, sizes and files are checked (`body.untrusted.model_scan`,
`body.untrusted.model_rules`). Then MuJoCo reads it in a separate process, which may crash or hang
(`body.untrusted.model_trial`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import mujoco
import numpy as np

from musclehand.body.untrusted.model_rules import (
    LEGAL_TIMESTEP,
    MAX_TIMESTEP,
    MIN_TIMESTEP,
    check_model,
    unknown_name,
)
from musclehand.body.untrusted.model_scan import Node, scan_model, shorten
from musclehand.body.untrusted.model_trial import Trial, try_model
from musclehand.core.errors import InvalidValue, ModelError
from musclehand.core.mujoco_warnings import silence_mujoco


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model that was read from a file."""

    path: Path
    """The file."""

    spec: mujoco.MjSpec = field(repr=False)
    """The model as an editable spec."""

    model: mujoco.MjModel = field(repr=False)
    """The compiled model."""

    warnings: tuple[str, ...] = ()
    """MuJoCo's warnings."""


def read_model(path: Path, *, root: Path | None = None) -> ModelFile:
    """Reads an untrusted MJCF file.

    Args:
        path: the file; its includes, meshes and textures are read as well.
        root: folder that all these files must lie in, by default the folder of `path`.

    Raises:
        ModelError: not MJCF, above a limit, outside the folder, without muscles, or impossible to
            compile and step in reasonable time and memory. The message is one line with file, line
            and element.
    """
    try:
        tree, sandbox = scan_model(path, root)
        check_model(tree, sandbox)
    except RecursionError:
        raise ModelError(path, "is nested too deeply") from None
    except OSError as error:
        raise ModelError(path, f"cannot be read: {error.strerror or error}") from None
    _raise_problem(path, tree, try_model(path))
    with silence_mujoco() as warnings:
        try:
            # Resolved as in the trial, so that links lead to the same files.
            spec = mujoco.MjSpec.from_file(str(path.resolve()))
            model = spec.compile()
        except (ValueError, OSError) as error:  # the files have changed since the trial
            raise ModelError(path, shorten(f"MuJoCo does not take it: {error}", 300)) from None
    check_compiled(path, model)
    return ModelFile(path, spec, model, tuple(warnings))


def _raise_problem(path: Path, tree: Node, trial: Trial) -> None:
    """Raises the problem that the trial found, with the element if it is identified."""
    if trial.zero_tendons:
        name = trial.zero_tendons[0]
        problem = "its path has no length: all its points are in one place"
        for node in tree.walk():
            if node.tag == "spatial" and node.attributes.get("name") == name:
                raise node.fail(problem)
        raise ModelError(path, f"tendon {name}: {problem}")
    if trial.problem is not None:
        reference_error = unknown_name(tree, trial.problem)
        raise reference_error or ModelError(path, shorten(trial.problem, 300))


def check_compiled(source: str | PathLike[str], model: mujoco.MjModel) -> None:
    """Checks that a compiled model has muscles, a usable time step and finite numbers.

    Args:
        source: name of the model, for the error.
        model: any model.

    Raises:
        ModelError: it has not.
    """
    muscles = model.actuator_dyntype == mujoco.mjtDyn.mjDYN_MUSCLE
    muscles |= model.actuator_gaintype == mujoco.mjtGain.mjGAIN_MUSCLE
    if not muscles.any():
        has = (
            f"none of its {model.nu} actuators is one" if model.nu else "it has no actuators at all"
        )
        raise ModelError(source, f'has no muscles; {has} (<muscle>, or <general dyntype="muscle">)')
    if not MIN_TIMESTEP <= model.opt.timestep <= MAX_TIMESTEP:
        raise ModelError(source, str(InvalidValue("timestep", model.opt.timestep, LEGAL_TIMESTEP)))
    for name in dir(model):
        values = None if name.startswith("_") else getattr(model, name)
        if (
            isinstance(values, np.ndarray)
            and values.dtype.kind == "f"
            and not np.isfinite(values).all()
        ):
            raise ModelError(source, f"compiles to numbers that are not finite ({name})")
