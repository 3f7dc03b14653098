"""How hard each muscle worked in a performance, and how that differs between performances.

    uses = [read_use("original"), read_use("edited")]
    compare_uses(uses).order[0]      # the muscle whose mean activation changed most

All figures are over the time in which there is music, from the first note's onset to the last
note's end: the time before, in which the hands settle over the keys, and after are left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.tables import load_tables
from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.core.recording_reader import Recording, RecordingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RECORDING = "recording.h5"
METRICS = "metrics.json"

PEAK_PERCENTILE = 95.0
"""What is called peak: the activation that is exceeded in 5 % of the time, so that one step does
not decide."""

MOST_RUNS = 6
MOST_BARS = 14
"""Muscles with bars in the figure."""

OTHERS = "others"
"""Group of muscles that are not in our table."""

_SAME_TIME = 1e-6
_COLOURS = ("#8C8C8C", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


class MuscleName(NamedTuple):
    """A muscle of a recording: its `key` there ("FDP2_r"), short name, hand, full name and
    group."""

    key: str
    short: str
    side: Side
    name: str
    group: str


@dataclass(frozen=True)
class MuscleUse:
    """How muscles were used in one performance; arrays have an entry for each of `muscles`, in the
    table's order.

    `mean_activation` and `peak_activation` (95th percentile) 0..1; `mean_force` along the tendon
    [N], pull positive, passive force included; `impulse`, the force's integral over the music [N
    s]; `seconds` of music recorded; `effort`, the sum of squared activations of all muscles, mean
    over time. `notes` asked for: onset, offset [s], pitch, velocity, hand, finger; shape
    (num_notes, 6). `joint_rmse_deg` and `onset_f1` are those of the folder's metrics.json, None
    without. `complete` is false where the recording broke off.
    """

    path: Path
    title: str
    muscles: tuple[MuscleName, ...]
    mean_activation: np.ndarray
    peak_activation: np.ndarray
    mean_force: np.ndarray
    impulse: np.ndarray
    seconds: float
    effort: float
    notes: np.ndarray
    joint_rmse_deg: float | None
    onset_f1: float | None
    complete: bool


@dataclass(frozen=True)
class UseComparison:
    """Performances beside each other: the same muscles in each, in the same order.

    `labels` tell the runs apart. `change`, shape (num_muscles,): of the mean activation, from the
    first run to the one that differs most from it. `order`: muscles by the size of that change; of
    one run alone, by mean activation. `remarks`: what limits the comparison.
    """

    uses: tuple[MuscleUse, ...]
    labels: tuple[str, ...]
    change: np.ndarray
    order: tuple[int, ...]
    remarks: tuple[str, ...]


def read_use(run: str | PathLike[str]) -> MuscleUse:
    """The use of muscles in a recording, or in the folder of a performance.

    Raises:
        RecordingError: no recording, a damaged one, one without muscles, or one that ends before
            the music begins.
        MusclehandError: the metrics beside it are damaged.
    """
    path = _recording_of(run)
    with Recording.open(path) as recording:
        muscles = _muscles_of(recording)
        rows, seconds = _music(recording)
        act, force = (
            _columns(recording, channel, muscles)[rows] for channel in ("act", "muscle_force")
        )
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


def read_course(use: MuscleUse, muscle: str) -> tuple[np.ndarray, np.ndarray]:
    """Time [s] and activation of one muscle, named as in the recording, while there is music.
    Shapes (num_steps,).

    Raises:
        RecordingError: the recording is gone or damaged.
        ValueError: no such muscle.
    """
    with Recording.open(use.path) as recording:
        rows, _ = _music(recording)
        return recording["time"][rows], recording["act"][rows, recording["act"].names.index(muscle)]


def compare_uses(uses: Sequence[MuscleUse]) -> UseComparison:
    """Puts performances of the same piece with the same muscles beside each other.

    Raises:
        InvalidValue: no run, or more than `MOST_RUNS`.
        MusclehandError: a run is named twice, or has other muscles; those missing are listed.
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
    return UseComparison(
        uses=tuple(uses),
        labels=labels,
        change=change,
        order=tuple(int(i) for i in np.argsort(-weight, kind="stable")),
        remarks=_remarks(uses, labels),
    )


def draw_use(comparison: UseComparison) -> Figure:
    """The muscles that changed most (of one run: that worked most), and the first of them over
    time.

    Raises:
        RecordingError: a recording is gone or damaged.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    uses = comparison.uses
    shown = comparison.order[:MOST_BARS]
    figure = MatplotlibFigure(figsize=(9.0, 6.5), layout="constrained")
    bars, course = figure.subplots(2, 1)
    width = 0.8 / len(uses)
    for i, use in enumerate(uses):
        places = np.arange(len(shown)) + (i - 0.5 * (len(uses) - 1)) * width
        colour = _COLOURS[i + (len(uses) == 1)]
        label = comparison.labels[i].replace("$", r"\$")
        bars.bar(places, use.mean_activation[list(shown)], width, color=colour, label=label)
        time, activation = read_course(use, use.muscles[shown[0]].key)
        course.plot(time, activation, color=colour, linewidth=1.2)
    names = [uses[0].muscles[i] for i in shown]
    bars.set_xticks(
        range(len(shown)), [f"{each.short}\n{each.side.name.lower()}" for each in names], fontsize=8
    )
    bars.set_xlim(-0.6, max(len(shown), 4) - 0.4)
    what = "whose use changed most" if len(uses) > 1 else "that worked most"
    _finish(bars, f"The muscles {what}", "mean activation")
    bars.legend(frameon=False, fontsize=8)
    _finish(course, f"{names[0].short} {names[0].side.name.lower()}, {names[0].name}", "activation")
    course.set_xlabel("time in the score [s]", fontsize=9)
    return figure


def _finish(axes: Axes, title: str, quantity: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel(quantity, fontsize=9)
    axes.set_ylim(bottom=0.0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _recording_of(run: str | PathLike[str]) -> Path:
    path = Path(run)
    if path.is_dir():
        path /= RECORDING
        if not path.is_file():
            raise RecordingError(
                run, f"a folder without {RECORDING}; `musclehand play` writes one with it"
            )
    return path


def _muscles_of(recording: Recording) -> tuple[MuscleName, ...]:
    """The muscles recorded: right hand first, in the order of our table, others after them."""
    missing = [name for name in ("time", "act", "muscle_force") if name not in recording.channels]
    if missing or "score" not in recording.tables:
        player = recording.metadata.get("controller", "an unknown controller")
        lacks = ", ".join(missing) if missing else "table score"
        raise RecordingError(
            recording.path, f"no muscles in it (played by {player}; without {lacks})"
        )
    if set(recording["act"].names) != set(recording["muscle_force"].names):
        raise RecordingError(recording.path, "activations and forces of different muscles")
    known = {row.muscle: (i, row) for i, row in enumerate(load_tables().muscles)}
    found = []
    for key in recording["act"].names:
        short, _, suffix = key.rpartition("_")
        if suffix not in ("r", "l") or not short:
            raise RecordingError(
                recording.path, f"muscle {key!r} does not say its hand by _r or _l"
            )
        place, row = known.get(short, (len(known), None))
        words = (short, OTHERS) if row is None else (row.name, row.group)
        found.append(((suffix == "l", place), MuscleName(key, short, Side(suffix), *words)))
    return tuple(name for _, name in sorted(found, key=lambda item: item[0]))


def _music(recording: Recording) -> tuple[slice, float]:
    """Rows in which there is music, and how long that is [s]: each row stands for the step that
    it begins."""
    time = recording["time"][:]
    notes = recording.table("score").values
    start, end = (
        (float(notes[:, 0].min()), float(notes[:, 1].max())) if len(notes) else (0.0, np.inf)
    )
    first, last = (int(i) for i in np.searchsorted(time, (start - _SAME_TIME, end - _SAME_TIME)))
    if last <= first or len(time) < 2:
        raise RecordingError(recording.path, "it ends before the music begins")
    return slice(first, last), float(np.median(np.diff(time))) * (last - first)


def _columns(recording: Recording, channel: str, muscles: Sequence[MuscleName]) -> np.ndarray:
    """A channel in the order of `muscles`. Shape (num_rows, num_muscles)."""
    data = recording[channel]
    places = {name: i for i, name in enumerate(data.names)}
    return np.asarray(data[:], dtype=float)[:, [places[each.key] for each in muscles]]


def _read_metrics(path: Path) -> dict[str, Any]:
    """What stands in metrics.json; empty where there is none."""
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


def _check_muscles(first: MuscleUse, other: MuscleUse) -> None:
    here, there = ({each.key for each in use.muscles} for use in (first, other))
    lacks = [
        f"{use.path} has no {', '.join(sorted(missing))}"
        for use, missing in ((other, here - there), (first, there - here))
        if missing
    ]
    if lacks:
        raise MusclehandError(f"these runs were played with different muscles: {'; '.join(lacks)}")


def _labels(uses: Sequence[MuscleUse]) -> tuple[str, ...]:
    """The folders' names, or the whole paths where those do not tell the runs apart."""
    short = [
        use.path.parent.resolve().name if use.path.name == RECORDING else use.path.name
        for use in uses
    ]
    return tuple(short if len(set(short)) == len(uses) else [str(use.path) for use in uses])


def _remarks(uses: Sequence[MuscleUse], labels: Sequence[str]) -> tuple[str, ...]:
    """What makes a comparison less than fair."""
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
            pieces = f"{_piece(first)} and {_piece(use)}"
            remarks.append(f"{labels[0]} and {label} were asked to play different notes ({pieces})")
        elif not np.array_equal(use.notes[:, 4:], first.notes[:, 4:]):
            remarks.append(
                f"{labels[0]} and {label} play the same notes with different hands or fingers"
            )
    return tuple(remarks)


def _piece(use: MuscleUse) -> str:
    return (
        f"{' '.join(use.title.split()) or 'Untitled'}, notes: {len(use.notes)}, {use.seconds:.1f} s"
    )
