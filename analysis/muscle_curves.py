"""The hand's muscle curves beside published ones: a figure, differences, fitted constants.

    python analysis/muscle_curves.py --out analysis/figures

The curves are MuJoCo's with the constants of the bundled hand, those of De Groote et al. 2016 (Ann
Biomed Eng 44:2922) and those of Millard et al. 2013 (J Biomech Eng 135:021005). The activation
dynamics of the three are compared as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mujoco
import numpy as np
import tyro

from musclehand.body.analysis.muscle_reference import (
    LENGTHS,
    SPEEDS,
    CurveConstants,
    CurveSet,
    curve_differences,
    curve_sets,
    de_groote_activation_rate,
)
from musclehand.body.build.hand import ACTIVATION_TIMES, FIBRE_RANGE, FPMAX, FVMAX, LMAX, LMIN, VMAX
from musclehand.core.figure_file import save_figure
from musclehand.performance.figures import HIT_RIGHT, HIT_UNKNOWN, MISSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BUNDLED = CurveConstants(LMIN, LMAX, FPMAX, FVMAX)
"""Constants of the bundled hand."""

USUAL_TIMES = (0.010, 0.040)
"""Time constants of activation and deactivation of Millard et al. 2013, as in most models [s]."""

BLENDED_TIMES = (0.015, 0.060)
"""The same of De Groote et al. 2016, who blend the two rates [s]."""

Rate = Callable[[float, float], float]
"""Rate of change of activation [1/s] as a function of activation and excitation."""

TITLES = {
    "mujoco": "musclehand (MuJoCo)",
    "de_groote_2016": "De Groote 2016",
    "millard_2013": "Millard 2013",
}
TIMES = {"mujoco": ACTIVATION_TIMES, "de_groote_2016": BLENDED_TIMES, "millard_2013": USUAL_TIMES}
STYLES = {
    "mujoco": (HIT_RIGHT, "-"),
    "de_groote_2016": (MISSED, "--"),
    "millard_2013": (HIT_UNKNOWN, "-."),
}
"""Titles, time constants [s], and colours and line styles of the models."""

CURVES = ("active", "passive", "velocity")
"""Fields of `CurveSet`."""

REACHED = "#E6EEF6"
EXCITED = "#F5EFE0"
"""Colours of the hand's range of fibre lengths, and of the time of full excitation."""

PULSE = 0.1
SHOWN = 0.25
"""Durations of full excitation, and of the figure [s]."""

STEP = 2e-4
"""Time step of activation dynamics [s]."""


@dataclass(frozen=True)
class Args:
    """Options of the command line."""

    out: Path = Path("analysis/figures")
    """folder of the figure, created where it is missing"""


def main(args: Args) -> None:
    """Draws the figure and prints the tables."""
    models = curve_sets(BUNDLED)
    print(f"MuJoCo: lmin {LMIN}, lmax {LMAX}, vmax {VMAX} l0/s, fpmax {FPMAX}, fvmax {FVMAX}\n")
    print(difference_table(models))
    print()
    print(fit_table(models))
    print()
    print(activation_table())
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "muscle_curves.png"
    save_figure(draw(models), path)
    print(f"\n{path}")


def difference_table(models: dict[str, CurveSet]) -> str:
    """Largest and root mean square differences between all models [f0], in Markdown."""
    lines = [
        f"Differences, largest and rms [f0], over lengths {LENGTHS[0]} to {LENGTHS[1]} l0, "
        f"speeds {SPEEDS[0]:g} to {SPEEDS[1]:g} vmax:",
        "",
        "| between | active | passive | velocity |",
        "| --- | --- | --- | --- |",
    ]
    for name, reference in itertools.combinations(models, 2):
        gaps = curve_differences(models[name], models[reference])
        cells = " | ".join(f"{gap.largest:.3f}, {gap.rms:.3f}" for gap in gaps)
        lines.append(f"| {TITLES[name]}, {TITLES[reference]} | {cells} |")
    return "\n".join(lines)


def fit_constants(references: list[CurveSet]) -> CurveConstants:
    """Least-squares fit of MuJoCo's constants to all three curves of all references.

    Args:
        references: the curves to fit.
    """
    from scipy.optimize import least_squares

    fibre = np.linspace(*LENGTHS, 241)
    speed = np.linspace(*SPEEDS, 241)

    def values(curves: CurveSet) -> np.ndarray:
        return np.concatenate([curves.active(fibre), curves.passive(fibre), curves.velocity(speed)])

    targets = [values(reference) for reference in references]

    def residuals(constants: np.ndarray) -> np.ndarray:
        fitted = values(curve_sets(CurveConstants(*constants))["mujoco"])
        return np.concatenate([fitted - target for target in targets])

    bounds = ([0.0, 1.05, 0.0, 1.05], [0.9, 3.0, 5.0, 3.0])
    solution = least_squares(residuals, BUNDLED, bounds=bounds).x
    return CurveConstants(*(float(value) for value in solution))


def fit_table(models: dict[str, CurveSet]) -> str:
    """Bundled and fitted constants with their root mean square differences [f0], in Markdown."""
    names = [name for name in models if name != "mujoco"]
    rows = {"as bundled": BUNDLED}
    rows |= {f"fitted to {TITLES[name]}": fit_constants([models[name]]) for name in names}
    rows["fitted to both"] = fit_constants([models[name] for name in names])
    heads = ["constants", "lmin", "lmax", "fpmax", "fvmax"]
    heads += [f"to {TITLES[name]}" for name in names]
    lines = [
        "Constants, and rms difference [f0] of active, passive, velocity:",
        "",
        f"| {' | '.join(heads)} |",
        "|" + " --- |" * len(heads),
    ]
    for title, constants in rows.items():
        curves = curve_sets(constants)["mujoco"]
        cells = [title, *(f"{value:.3f}" for value in constants)]
        for name in names:
            gaps = curve_differences(curves, models[name])
            cells.append(", ".join(f"{gap.rms:.3f}" for gap in gaps))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def mujoco_rate(times: tuple[float, float]) -> Rate:
    """MuJoCo's activation dynamics, with time constants of activation and deactivation [s]."""
    parameters = np.array([*times, 0.0])
    return lambda act, ctrl: mujoco.mju_muscleDynamics(ctrl, act, parameters)


def blended_rate(*, steepness: float = 0.1) -> Rate:
    """The activation dynamics of De Groote et al. 2016."""

    def rate(act: float, ctrl: float) -> float:
        activation = np.asarray(act)
        excitation = np.asarray(ctrl)
        return float(
            de_groote_activation_rate(
                activation, excitation, times=BLENDED_TIMES, steepness=steepness
            )
        )

    return rate


def activation_rates() -> dict[str, Rate]:
    """Activation dynamics of the three models. Millard's are MuJoCo's with other time constants."""
    return {
        "mujoco": mujoco_rate(ACTIVATION_TIMES),
        "de_groote_2016": blended_rate(),
        "millard_2013": mujoco_rate(USUAL_TIMES),
    }


def step_response(rate: Rate, *, dt: float = STEP) -> tuple[np.ndarray, np.ndarray]:
    """Response to full excitation for `PULSE` seconds, by the midpoint rule.

    Args:
        rate: activation dynamics.
        dt: time step [s].

    Returns:
        Time [s] and activation.
    """
    time = np.arange(round(SHOWN / dt) + 1) * dt
    act = np.zeros_like(time)
    for index in range(len(time) - 1):
        ctrl = float(time[index] < PULSE - 0.5 * dt)
        half = act[index] + 0.5 * dt * rate(act[index], ctrl)
        act[index + 1] = act[index] + dt * rate(half, ctrl)
    return time, act


def half_times(rate: Rate) -> tuple[float, float]:
    """Times to activation 0.5 from the onset of full excitation, and to half of the reached
    activation from its end [s]."""
    time, act = step_response(rate)
    end = round(PULSE / (time[1] - time[0]))
    rise = float(np.interp(0.5, act[: end + 1], time[: end + 1]))
    fall = float(np.interp(-0.5 * act[end], -act[end:], time[end:]))
    return rise, fall - PULSE


def activation_table() -> str:
    """Rise and fall times of activation [ms], in Markdown."""
    rows = {
        f"{TITLES[name]}, {_in_ms(TIMES[name])}": rate for name, rate in activation_rates().items()
    }
    rows["De Groote 2016 with steepness 10 (OpenSim's advice)"] = blended_rate(steepness=10.0)
    lines = [
        "| activation, time constants | rise to 0.5 [ms] | fall by half [ms] |",
        "| --- | --- | --- |",
    ]
    for title, rate in rows.items():
        rise, fall = half_times(rate)
        lines.append(f"| {title} | {1e3 * rise:.1f} | {1e3 * fall:.1f} |")
    return "\n".join(lines)


def draw(models: dict[str, CurveSet]) -> Figure:
    """The figure: curves above, differences from MuJoCo's below, with a column for each curve and
    one for activation."""
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.patches import Patch

    figure = MatplotlibFigure(figsize=(16, 6.6), layout="constrained")
    panels = figure.subplots(2, 4, sharex="col", height_ratios=(1.7, 1))
    grids = (np.linspace(0.3, 1.9, 801), np.linspace(0.3, 1.9, 801), np.linspace(-1.0, 1.0, 801))
    for name, grid, (above, below) in zip(CURVES, grids, panels.T[:3], strict=True):
        _draw_curve(above, below, name, grid, models)
    _draw_activation(*panels.T[3])
    for panel in panels.flat:
        panel.grid(color="#DDDDDD", linewidth=0.5)
        panel.set_axisbelow(True)
    reached = f"lengths of the hand's fibres, at most {FIBRE_RANGE[0]} to {FIBRE_RANGE[1]} l0"
    handles = [
        *panels[0, 0].get_lines(),
        Patch(color=REACHED, label=reached),
        Patch(color=EXCITED, label="full excitation"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    figure.suptitle(
        f"Muscle curves: MuJoCo with lmin {LMIN}, lmax {LMAX}, vmax {VMAX:g} l0/s, "
        f"fpmax {FPMAX}, fvmax {FVMAX}, beside published ones"
    )
    return figure


def _draw_curve(
    above: Axes, below: Axes, name: str, grid: np.ndarray, models: dict[str, CurveSet]
) -> None:
    """One of the three curves of all models, and its difference from MuJoCo's."""
    titles = {"active": "Active force", "passive": "Passive force", "velocity": "Factor of speed"}
    bundled = getattr(models["mujoco"], name)(grid)
    for model, curves in models.items():
        colour, line = STYLES[model]
        values = getattr(curves, name)(grid)
        above.plot(grid, values, color=colour, linestyle=line, label=TITLES[model])
        if model != "mujoco":
            below.plot(grid, values - bundled, color=colour, linestyle=line)
    below.axhline(0.0, color=STYLES["mujoco"][0])
    above.set_title(titles[name], fontsize=11)
    above.set_ylabel("factor on active force" if name == "velocity" else "force [f0]")
    below.set_ylabel("published − musclehand")
    if name == "velocity":
        below.set_xlabel("speed [vmax], shortening below 0")
    else:
        below.set_xlabel("fibre length [l0]")
        for panel in (above, below):
            panel.axvspan(*FIBRE_RANGE, color=REACHED, linewidth=0, zorder=0)
    if name == "passive":
        above.set_ylim(-0.05, 1.25)
        below.set_ylim(-0.1, 0.8)
    else:
        below.set_ylim(-0.45, 0.45)


def _draw_activation(above: Axes, below: Axes) -> None:
    """Activation during and after full excitation in all models, and its difference from
    MuJoCo's."""
    responses = {name: step_response(rate) for name, rate in activation_rates().items()}
    time, bundled = responses["mujoco"]
    for name, (_, act) in responses.items():
        colour, line = STYLES[name]
        above.plot(1e3 * time, act, color=colour, linestyle=line, label=_in_ms(TIMES[name]))
        if name != "mujoco":
            below.plot(1e3 * time, act - bundled, color=colour, linestyle=line)
    below.axhline(0.0, color=STYLES["mujoco"][0])
    for panel in (above, below):
        panel.axvspan(0.0, 1e3 * PULSE, color=EXCITED, linewidth=0, zorder=0)
    above.set_title("Activation", fontsize=11)
    above.set_ylim(-0.05, 1.3)
    above.set_ylabel("activation")
    below.set_ylabel("published − musclehand")
    below.set_ylim(-0.45, 0.45)
    above.legend(
        frameon=False, fontsize=9, loc="upper right", title="time constants", title_fontsize=9
    )
    below.set_xlabel("time [ms]")


def _in_ms(times: tuple[float, float]) -> str:
    return " and ".join(f"{1e3 * value:g}" for value in times) + " ms"


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
