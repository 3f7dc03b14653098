"""The EMG comparison as one call: read, project on channels, filter, compare.

result = compare("song/recording.h5", "trial.c3d", muscle_map="map.csv")
result.pooled.scores["r"]
result.save("compared")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from musclehand.body.anatomy import Side
from musclehand.core.html_page import element, notebook_part
from musclehand.core.recording_reader import Recording
from musclehand.emg.comparison.compare import RepeatRecording, compare_envelopes
from musclehand.emg.comparison.result import CompareConfig, Comparison, MuscleResult
from musclehand.emg.comparison.statistics import LAG_RANGE
from musclehand.emg.io.reading import read_emg
from musclehand.emg.io.simulated import (
    SimulatedMuscles,
    muscles_of_performance,
    parse_side,
    read_simulated,
)
from musclehand.emg.model.muscle_map import MuscleMap, Projected, identity_map, read_map
from musclehand.emg.processing.envelope import (
    EnvelopeConfig,
    envelope,
    find_scale,
    smooth_simulated,
)
from musclehand.emg.recording import EmgRecording, Event
from musclehand.emg.report.text import as_text
from musclehand.emg.report.write import overview, summarise, write_comparison

FilePath = str | PathLike[str]

EmgSource = FilePath | EmgRecording
"""A recording: a file that `read_emg` reads, or one in memory."""

PerformanceSource = FilePath | Recording | SimulatedMuscles
"""Simulated muscles: a file that `read_simulated` reads, an open recording of a performance, or
activations in memory."""


@dataclass(frozen=True, eq=False)
class EmgComparison:
    """A comparison of a performance with an EMG recording, ready to be read, shown and saved."""

    comparison: Comparison
    """All scores, nulls and curves."""

    events: tuple[Event, ...]
    """Notes or movements that the comparison used: those of the recording, or else of the
    performance."""

    title: str
    """Of the page."""

    @property
    def pooled(self) -> MuscleResult:
        """Means over all channels."""
        return self.comparison.pooled

    @property
    def muscles(self) -> tuple[MuscleResult, ...]:
        """One result a channel."""
        return self.comparison.muscles

    @property
    def remarks(self) -> tuple[str, ...]:
        """Limits of the numbers, as sentences."""
        return self.comparison.remarks

    @property
    def summary(self) -> str:
        """The comparison in a few sentences that claim no more than the nulls allow."""
        return summarise(self.comparison)

    def __str__(self) -> str:
        return "\n".join([self.title, as_text(self.comparison), self.summary])

    def save(self, folder: FilePath) -> tuple[Path, ...]:
        """Writes a page, all numbers as JSON, tables and figures into a folder.

        Returns:
            The files, the page first.

        Raises:
            OutputError: the folder or a file cannot be written.
        """
        return write_comparison(self.comparison, Path(folder), title=self.title, events=self.events)

    def _repr_html_(self) -> str:
        """Summary and table for a notebook."""
        return notebook_part([element("h3", self.title), *overview(self.comparison)])


def compare(
    performance: PerformanceSource,
    recording: EmgSource,
    *,
    muscle_map: FilePath | MuscleMap | None = None,
    side: str = "right",
    quantity: str = "activation",
    combine: str = "mean",
    delay: float = 0.0,
    lowpass: float = 6.0,
    notch: float | None = None,
    normalise: str = "task_p99",
    reference: EmgSource | Sequence[EmgSource] = (),
    same_person: EmgSource | Sequence[EmgSource] = (),
    other_person: EmgSource | Sequence[EmgSource] = (),
    window: tuple[float, float] = (-0.2, 0.3),
    lags: tuple[float, float] = LAG_RANGE,
    inference: str = "cluster",
    seed: int = 0,
) -> EmgComparison:
    """Compares the simulated muscles of a performance with an EMG recording.

    Each score stands beside its null distributions: circular-shift surrogates, wrong muscles and
    wrong movements. The clocks of both sides begin at the same moment, unless `delay` says
    otherwise. `musclehand emg compare` is this function on the command line.

        result = compare(
            "data/emg/synthetic_playing.sto",
            "data/emg/synthetic_playing.h5",
            muscle_map="data/emg/muscle_map.csv",
        )
        print(result)
        print(result.pooled.scores["r"], result.pooled.lag)
        result.save("compared")

    Args:
        performance: a performance (its folder or recording.h5), an OpenSim .sto file of
            activations, or either in memory.
        recording: an EMG file of any format that `musclehand emg info` reads, or a recording.
        muscle_map: which muscles each channel picks up: a CSV file or a map. By default channels
            are named like muscles.
        side: hand of the performance, "right" or "left".
        quantity: "activation" (after activation dynamics) or "excitation" (before).
        combine: expected activity of a channel with several muscles: their weighted "mean", or
            "max".
        delay: start of the performance's clock after the recording's [s].
        lowpass: low-pass of the envelopes and of the simulated side [Hz].
        notch: mains frequency to remove [Hz].
        normalise: scale of each channel: "task_p99", "mvc", "reference" or "none".
        reference: recordings of maximal or reference contractions, for "mvc" and "reference"; one
            or several.
        same_person: other recordings of the same events by the same person, for the noise ceiling;
            one or several.
        other_person: the same by other people.
        window: round notes or movements [s].
        lags: delays searched, EMG leading [s].
        inference: test of curves round events, "cluster" or "spm" (needs spm1d).
        seed: of nulls and intervals.

    Raises:
        MusclehandError: a file or an option cannot be used.
    """
    config = EnvelopeConfig(notch_hz=notch, lowpass_hz=lowpass, normalise=normalise)
    settings = CompareConfig(lag_range=lags, window=window, seed=seed, inference=inference)
    simulated = _simulated(performance, parse_side(side), quantity)
    emg = _emg(recording)
    references = _recordings(reference)
    scale = find_scale(references, config) if references else None
    projected = project(simulated, emg, muscle_map, combine)
    simulated_envelopes = smooth_simulated(
        projected.values,
        simulated.fs_hz,
        config,
        names=projected.names,
        start=simulated.start + delay,
    )
    recorded_envelopes = envelope(emg, config, scale)
    repeats: dict[str, list[RepeatRecording]] = {}
    for kind, sources in (("same person", same_person), ("other person", other_person)):
        repeated = _recordings(sources)
        if repeated:
            repeats[kind] = [(envelope(item, config, scale), item.events) for item in repeated]
    events = emg.events or tuple(
        replace(event, onset=event.onset + delay) for event in simulated.events
    )
    result = compare_envelopes(simulated_envelopes, recorded_envelopes, events, settings, repeats)
    parameters = {
        "simulated": _label(performance),
        "emg": _label(recording),
        "map": "" if muscle_map is None else _label(muscle_map),
        "quantity": simulated.quantity,
        "combine": combine,
        "side": side,
        "delay_s": f"{delay:g}",
    }
    return EmgComparison(
        comparison=replace(result, parameters={**result.parameters, **parameters}),
        events=events,
        title=f"{_name(performance)} against {_name(recording)}",
    )


def project(
    simulated: SimulatedMuscles,
    recording: EmgRecording,
    muscle_map: FilePath | MuscleMap | None = None,
    combine: str = "mean",
) -> Projected:
    """Expected activity of each channel of a recording.

    Args:
        simulated: muscles of one hand.
        recording: whose channels are matched by name, muscle or site.
        muscle_map: a CSV file or a map; by default channels are named like muscles.
        combine: "mean" or "max" of a channel's muscles.

    Raises:
        MusclehandError: no such map, or it has none of the channels.
    """
    if muscle_map is None:
        rows = identity_map(simulated.muscles).for_channels(recording.channels)
        return rows.project(simulated.values, simulated.muscles)
    if not isinstance(muscle_map, MuscleMap):
        muscle_map = read_map(muscle_map)
    rows = muscle_map.for_channels(recording.channels)
    return rows.project(simulated.values, simulated.muscles, combine=combine)


def _simulated(source: PerformanceSource, side: Side, quantity: str) -> SimulatedMuscles:
    if isinstance(source, SimulatedMuscles):
        return source
    if isinstance(source, Recording):
        return muscles_of_performance(source, side=side, quantity=quantity)
    return read_simulated(source, side=side, quantity=quantity)


def _emg(source: EmgSource) -> EmgRecording:
    return source if isinstance(source, EmgRecording) else read_emg(source)


def _recordings(sources: EmgSource | Sequence[EmgSource]) -> list[EmgRecording]:
    if isinstance(sources, str | PathLike | EmgRecording):
        return [_emg(sources)]
    return [_emg(source) for source in sources]


def _label(source: PerformanceSource | EmgSource | MuscleMap) -> str:
    """Where data come from, for the methods section and the page."""
    if isinstance(source, EmgRecording):
        return source.provenance.get("file", "a recording in memory")
    if isinstance(source, SimulatedMuscles):
        return "simulated muscles in memory"
    if isinstance(source, MuscleMap):
        return "a map in memory"
    return source.path if isinstance(source, Recording) else str(source)


def _name(source: PerformanceSource | EmgSource) -> str:
    return Path(_label(source)).name
