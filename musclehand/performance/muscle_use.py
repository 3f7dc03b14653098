"""Muscle use: mean and peak activation, force and impulse of each muscle in a performance, and
their differences between performances.

    uses = [read_muscle_use("original"), read_muscle_use("edited")]
    compare_muscle_use(uses).order[0]      # index of the muscle whose mean activation changed most

All figures are over the music, from the onset of the first note to the end of the last. The time
before, in which the hands settle over the keys, and the time after are left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.tables import load_tables
from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.core.recording_reader import RECORDING, Recording, RecordingError
from musclehand.performance.report import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PEAK_PERCENTILE = 95.0
"""[%] Percentile of the peak activation, so that a single step does not decide."""

MOST_RUNS = 6
"""Most performances of a comparison."""

MOST_BARS = 14
"""Muscles with bars in the figure."""

UNKNOWN_GROUP = "others"
"""Group of muscles that are not in the muscle table."""

_SAME_TIME = 1e-6
"""[s] Times closer than this are equal: far below a step, far above rounding."""

_COLOURS = ("#8C8C8C", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_CSV_COLUMNS = {
    "mean_activation": "mean_activation",
    "peak_activation": "p95_activation",
    "mean_force": "mean_force_N",
    "impulse": "impulse_Ns",
}
"""Fields of `MuscleUse` and their columns in the CSV file."""


class MuscleName(NamedTuple):
    """A muscle of a recording."""

    key: str
    """Name in the recording, such as "FDP2_r"."""

    short: str
    """Name without the side, such as "FDP2"."""

    side: Side
    """Side of the hand."""

    name: str
    """Full name, such as "flexor digitorum profundus (index)"."""

    group: str
    """Anatomical group, such as "finger flexors"."""


@dataclass(frozen=True)
class MuscleUse:
    """Use of muscles in a performance; arrays have an entry for each of `muscles`."""

    path: Path
    """File of the recording."""

    title: str
    """Title of the piece."""

    muscles: tuple[MuscleName, ...]
    """Muscles in the order of the muscle table, right hand first."""

    mean_activation: np.ndarray
    """Mean activation, 0 to 1. Shape (num_muscles,)."""

    peak_activation: np.ndarray
    """Peak activation (95th percentile), 0 to 1. Shape (num_muscles,)."""

    mean_force: np.ndarray
    """[N] Mean tendon force, pull positive, passive force included. Shape (num_muscles,)."""

    impulse: np.ndarray
    """[N s] Integral of the tendon force over the music. Shape (num_muscles,)."""

    seconds: float
    """[s] Duration of the music."""

    effort: float
    """Sum of squared activations of all muscles, mean over time."""

    notes: np.ndarray
    """Notes: onset, offset [s], pitch, velocity, hand, finger. Shape (num_notes, 6)."""

    joint_rmse_deg: float | None
    """[deg] Joint error from metrics.json, where there is one."""

    onset_f1: float | None
    """Onset F1 within 50 ms from metrics.json, where there is one."""

    complete: bool
    """False if the recording was interrupted."""

    @property
    def overall_activation(self) -> float:
        """Mean activation of all muscles together."""
        return float(self.mean_activation.mean())


@dataclass(frozen=True)
class MuscleUseComparison:
    """Performances with the same muscles in the same order."""

    uses: tuple[MuscleUse, ...]
    """The performances; the first is the baseline."""

    labels: tuple[str, ...]
    """Unique names of the performances."""

    change: np.ndarray
    """Change of the mean activation from the first performance to the one that differs most.

    Shape (num_muscles,)."""

    order: tuple[int, ...]
    """Indices of muscles by the size of the change; for a single performance, by activation."""

    remarks: tuple[str, ...]
    """Sentences about limits of the comparison."""


def read_muscle_use(run: str | PathLike[str]) -> MuscleUse:
    """Read the muscle use of a recording, or of the folder of a performance.

    Raises:
        RecordingError: there is no recording, it is damaged, it has no muscles, or it ends before
            the music begins.
        MusclehandError: the metrics beside the recording are damaged.
    """
    path = _find_recording(run)
    with Recording.open(path) as recording:
        muscles = _read_muscles(recording)
        rows, seconds = _find_music(recording)
        act = _columns(recording, "act", muscles)[rows]
        force = _columns(recording, "muscle_force", muscles)[rows]
        notes = recording.table("score").values
        title = str(recording.metadata.get("title", ""))
        complete = recording.complete
    if not (np.isfinite(act).all() and np.isfinite(force).all()):
        raise RecordingError(path, "activations or forces that are no finite numbers")
    metrics = _read_metrics(path.with_name(METRICS))
    mean_force = -force.mean(axis=0)
    return MuscleUse(
        path=path,
        title=title,
        muscles=muscles,
        mean_activation=act.mean(axis=0),
        peak_activation=np.percentile(act, PEAK_PERCENTILE, axis=0),
        mean_force=mean_force,
        impulse=mean_force * seconds,
        seconds=seconds,
        effort=float((act**2).sum(axis=1).mean()),
        notes=notes,
        joint_rmse_deg=metrics.get("joint_rmse_deg"),
        onset_f1=metrics.get("onset_f1_50ms"),
        complete=complete,
    )


def read_activation(use: MuscleUse, muscle: str) -> tuple[np.ndarray, np.ndarray]:
    """Read time [s] and activation of a muscle during the music.

    `muscle` is the name in the recording (`MuscleName.key`). Shapes (num_steps,).

    Raises:
        RecordingError: the recording has been removed or is damaged.
        ValueError: there is no such muscle.
    """
    with Recording.open(use.path) as recording:
        rows, _ = _find_music(recording)
        return recording["time"][rows], recording["act"][rows, recording["act"].names.index(muscle)]


def compare_muscle_use(uses: Sequence[MuscleUse]) -> MuscleUseComparison:
    """Compare performances of a piece with the same muscles; the first is the baseline.

    Raises:
        InvalidValue: there is no performance, or more than `MOST_RUNS`.
        MusclehandError: a performance is named twice, or has other muscles; those missing are
            listed.
    """
    if not 1 <= len(uses) <= MOST_RUNS:
        raise InvalidValue("number of runs", len(uses), f"1 to {MOST_RUNS}")
    paths = [use.path.resolve() for use in uses]
    first = uses[0]
    for i, use in enumerate(uses):
        if paths[i] in paths[:i]:
            raise MusclehandError(f"{use.path} is compared with itself: name each run only once")
        _check_muscles(first, use)
    means = np.array([use.mean_activation for use in uses])
    differences = means - means[0]
    change = np.take_along_axis(differences, np.abs(differences).argmax(axis=0)[None], axis=0)[0]
    weight = np.abs(change) if len(uses) > 1 else means[0]
    labels = _labels(uses)
    return MuscleUseComparison(
        uses=tuple(uses),
        labels=labels,
        change=change,
        order=tuple(int(i) for i in np.argsort(-weight, kind="stable")),
        remarks=_remarks(uses, labels),
    )


def write_muscle_use(comparison: MuscleUseComparison, path: str | PathLike[str]) -> None:
    """Write a CSV file with a row for each performance and muscle.

    Raises:
        OutputError: the file cannot be written.
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    header = ["run", "muscle", "hand", "name", "group", *_CSV_COLUMNS.values()]
    writer.writerow([*header, "change_of_mean_activation"])
    baseline = comparison.uses[0].mean_activation
    for use, label in zip(comparison.uses, comparison.labels, strict=True):
        columns = [getattr(use, field) for field in _CSV_COLUMNS]
        columns.append(use.mean_activation - baseline)
        for index, name in enumerate(use.muscles):
            words = [label, name.short, name.side.name.lower(), name.name, name.group]
            values = [float(column[index]) for column in columns]
            writer.writerow([*words, *(f"{value:.6g}" for value in values)])
    write_file(path, table.getvalue())


def draw_muscle_use(comparison: MuscleUseComparison) -> Figure:
    """Draw the muscles that changed most, and the activation of the first of them over time.

    For a single performance, the muscles are those with the highest mean activation.

    Raises:
        RecordingError: a recording has been removed or is damaged.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    uses = comparison.uses
    shown = comparison.order[:MOST_BARS]
    figure = MatplotlibFigure(figsize=(9.0, 6.5), layout="constrained")
    bars, lines = figure.subplots(2, 1)
    width = 0.8 / len(uses)
    for i, use in enumerate(uses):
        x = np.arange(len(shown)) + (i - 0.5 * (len(uses) - 1)) * width
        colour = _COLOURS[i + (len(uses) == 1)]
        label = comparison.labels[i].replace("$", r"\$")
        bars.bar(x, use.mean_activation[list(shown)], width, color=colour, label=label)
        time, activation = read_activation(use, use.muscles[shown[0]].key)
        lines.plot(time, activation, color=colour, linewidth=1.2)
    names = [uses[0].muscles[i] for i in shown]
    ticks = [f"{name.short}\n{name.side.name.lower()}" for name in names]
    bars.set_xticks(range(len(shown)), ticks, fontsize=8)
    bars.set_xlim(-0.6, max(len(shown), 4) - 0.4)
    criterion = "whose use changed most" if len(uses) > 1 else "that worked most"
    _finish_axes(bars, f"The muscles {criterion}", "mean activation")
    bars.legend(frameon=False, fontsize=8)
    title = f"{names[0].short} {names[0].side.name.lower()}, {names[0].name}"
    _finish_axes(lines, title, "activation")
    lines.set_xlabel("time in the score [s]", fontsize=9)
    return figure


def _finish_axes(axes: Axes, title: str, quantity: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel(quantity, fontsize=9)
    axes.set_ylim(bottom=0.0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _find_recording(run: str | PathLike[str]) -> Path:
    path = Path(run)
    if path.is_dir():
        path /= RECORDING
        if not path.is_file():
            raise RecordingError(
                run, f"a folder without {RECORDING}; `musclehand play` writes one with it"
            )
    return path


def _read_muscles(recording: Recording) -> tuple[MuscleName, ...]:
    """The recorded muscles: right hand first, then by the muscle table, unknown muscles last."""
    missing = [name for name in ("time", "act", "muscle_force") if name not in recording.channels]
    if missing or "score" not in recording.tables:
        player = recording.metadata.get("controller", "an unknown controller")
        parts = ", ".join(missing) if missing else "table score"
        raise RecordingError(
            recording.path, f"no muscles in it (played by {player}; without {parts})"
        )
    if set(recording["act"].names) != set(recording["muscle_force"].names):
        raise RecordingError(recording.path, "activations and forces of different muscles")
    table = {row.muscle: (i, row) for i, row in enumerate(load_tables().muscles)}
    ranked = []
    for key in recording["act"].names:
        short, _, suffix = key.rpartition("_")
        if suffix not in ("r", "l") or not short:
            raise RecordingError(
                recording.path, f"muscle {key!r} does not say its hand by _r or _l"
            )
        rank, row = table.get(short, (len(table), None))
        name, group = (short, UNKNOWN_GROUP) if row is None else (row.name, row.group)
        ranked.append(((suffix == "l", rank), MuscleName(key, short, Side(suffix), name, group)))
    return tuple(muscle for _, muscle in sorted(ranked, key=lambda item: item[0]))


def _find_music(recording: Recording) -> tuple[slice, float]:
    """Rows of the music, and its duration [s]; each row stands for the step that it begins."""
    time = recording["time"][:]
    notes = recording.table("score").values
    start = float(notes[:, 0].min()) if len(notes) else 0.0
    end = float(notes[:, 1].max()) if len(notes) else np.inf
    first, last = (int(i) for i in np.searchsorted(time, (start - _SAME_TIME, end - _SAME_TIME)))
    if last <= first or len(time) < 2:
        raise RecordingError(recording.path, "it ends before the music begins")
    return slice(first, last), float(np.median(np.diff(time))) * (last - first)


def _columns(recording: Recording, channel: str, muscles: Sequence[MuscleName]) -> np.ndarray:
    """A channel in the order of `muscles`. Shape (num_rows, num_muscles)."""
    data = recording[channel]
    columns = {name: i for i, name in enumerate(data.names)}
    return np.asarray(data[:], dtype=float)[:, [columns[muscle.key] for muscle in muscles]]


def _read_metrics(path: Path) -> dict[str, Any]:
    """The content of metrics.json; empty where there is no such file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MusclehandError(
            f"{path}: not readable as JSON ({str(error).splitlines()[0]})"
        ) from error
    if not isinstance(content, dict):
        raise MusclehandError(f"{path}: not the metrics of a performance")
    for name in ("joint_rmse_deg", "onset_f1_50ms"):
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise MusclehandError(f"{path}: {name} is {value!r}; it must be a number")
    return content


def _check_muscles(first: MuscleUse, second: MuscleUse) -> None:
    """Check that two performances have the same muscles."""
    first_keys = {muscle.key for muscle in first.muscles}
    second_keys = {muscle.key for muscle in second.muscles}
    missing = [
        f"{use.path} has no {', '.join(sorted(keys))}"
        for use, keys in ((second, first_keys - second_keys), (first, second_keys - first_keys))
        if keys
    ]
    if missing:
        raise MusclehandError(
            f"these runs were played with different muscles: {'; '.join(missing)}"
        )


def _labels(uses: Sequence[MuscleUse]) -> tuple[str, ...]:
    """Names of the folders, or the paths if the names are not unique."""
    short = [
        use.path.parent.resolve().name if use.path.name == RECORDING else use.path.name
        for use in uses
    ]
    return tuple(short if len(set(short)) == len(uses) else [str(use.path) for use in uses])


def _remarks(uses: Sequence[MuscleUse], labels: Sequence[str]) -> tuple[str, ...]:
    """Sentences about interrupted recordings and different notes, hands or fingers."""
    remarks = [
        f"{label}: the recording broke off"
        for use, label in zip(uses, labels, strict=True)
        if not use.complete
    ]
    first = uses[0]
    for use, label in zip(uses[1:], labels[1:], strict=True):
        same = use.notes.shape == first.notes.shape and np.allclose(
            use.notes[:, :3], first.notes[:, :3], atol=1e-3
        )
        if not same or use.title != first.title:
            pieces = f"{_describe_piece(first)} and {_describe_piece(use)}"
            remarks.append(f"{labels[0]} and {label} were asked to play different notes ({pieces})")
        elif not np.array_equal(use.notes[:, 4:], first.notes[:, 4:]):
            remarks.append(
                f"{labels[0]} and {label} play the same notes with different hands or fingers"
            )
    return tuple(remarks)


def _describe_piece(use: MuscleUse) -> str:
    title = " ".join(use.title.split()) or "Untitled"
    return f"{title}, notes: {len(use.notes)}, {use.seconds:.1f} s"
