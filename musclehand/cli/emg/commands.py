"""`musclehand emg`: its commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from musclehand.cli.emg.compare import CompareArgs, compare
from musclehand.cli.emg.files import ConvertArgs, InfoArgs, QcArgs, convert, info, qc
from musclehand.cli.emg.sessions import SessionsArgs, sessions
from musclehand.cli.emg.simulate import SimulateArgs, simulate


@dataclass(frozen=True)
class EmgArgs:
    """Recordings of EMG: contents, quality, conversion, and comparison with simulated muscles."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[InfoArgs, tyro.conf.subcommand("info")]
        | Annotated[QcArgs, tyro.conf.subcommand("qc")]
        | Annotated[ConvertArgs, tyro.conf.subcommand("convert")]
        | Annotated[SessionsArgs, tyro.conf.subcommand("sessions")]
        | Annotated[CompareArgs, tyro.conf.subcommand("compare")]
        | Annotated[SimulateArgs, tyro.conf.subcommand("simulate")]
    ]
    """Arguments of the chosen command."""


def emg(args: EmgArgs) -> int | None:
    """`musclehand emg`.

    Returns:
        Exit code of the chosen command; None for 0.

    Raises:
        MusclehandError: a file or an option cannot be used.
    """
    run = next(run for arguments, run in _COMMANDS.items() if isinstance(args.command, arguments))
    return run(args.command)


_COMMANDS: dict[type, Callable[[Any], int | None]] = {
    InfoArgs: info,
    QcArgs: qc,
    ConvertArgs: convert,
    SessionsArgs: sessions,
    CompareArgs: compare,
    SimulateArgs: simulate,
}
