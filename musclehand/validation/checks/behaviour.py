"""Behaviour in simulation (V15 to V17, V22, V23, V26 to V28): stability, rest, tapping, cost."""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import jitter, limit_violation, rest_angles, soak, step_time
from musclehand.body.analysis.passive import (
    DRIFT_SECONDS,
    SETTLE_SECONDS,
    drift_from_springs,
    independent_torque,
    passive_curve,
    passive_torque,
    rest_posture,
)
from musclehand.body.analysis.tapping import AMPLITUDE, FINGERS, Tapping, knuckle, tapping_rate
from musclehand.body.anatomy import WRIST_JOINTS
from musclehand.body.posture import PLAYING_POSTURE_DEG, couple, named_posture
from musclehand.core.errors import ModelError
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict

MOST_EXCESS_DEG = 2.0
"""Largest excess beyond a joint limit [deg]; own choice."""

WARN_RMS = 0.5
MOST_RMS = 1.0
"""Root mean square joint speed under constant excitation that warns and that fails [rad/s]; own
choice."""

WARN_PEAK = 3.0
"""Peak joint speed under constant excitation that warns [rad/s]; own choice."""

MOST_DRIFT_DEG = 1.0
"""Largest movement of a joint of a hand at rest in `DRIFT_SECONDS` [deg]; own choice."""

MOST_SPREAD_DEG = 5.0
"""Largest difference between rest postures from different starts [deg]; own choice."""

HUMAN_TAPPING_HZ = {
    "index": (5.0, 8.0),
    "middle": (5.0, 8.0),
    "ring": (4.0, 8.0),
    "little": (4.0, 8.0),
}
"""Tapping rates of people by finger [Hz]: slower ones fail, faster ones are reported.

People tap at 5 to 7 Hz with the finger they like (Neurosci Lett 2009, quoted). Ring and little
finger reach 0.82 of the index finger's rate (Aoki et al. 2003, recalled: 5.3 and 5.4 of 6.5 Hz),
down to the step of the search. The upper bound adds a standard deviation between people, about
1 Hz, and is the same for all: ring and little fingers of pianists are hardly slower than the others
(Aoki et al. 2005), and 16 tones a second by five fingers in turn ask no more of a finger."""

BUDGET_US = 150.0
"""Computing time of a simulation step that warns [us]; own choice."""

MOST_PASSIVE_TORQUE = 0.1
"""Largest torque of silent muscles about a finger joint [N m]; own choice."""

MCP_REST_DEG = (30.0, 60.0)
"""Range of the rest angle of MCP joints [deg], around the 40 to 58 deg of PMC7775510."""

JITTER_STEPS = (0.002, 0.004)
"""Simulation steps at which a hand is simulated besides its own [s]."""

SOAK_SECONDS = 20.0
"""Simulated time of the long run [s]."""

_NO_KNUCKLE = "not applicable: the model has no finger's MCP flexion"

_STEPS_MS = " and ".join(f"{1e3 * step:g}" for step in JITTER_STEPS)


def check_limit_violation(specimen: Specimen) -> Finding:
    """V15: do joints stay within their limits under any excitation?"""
    hand = specimen.hand
    violation = limit_violation(specimen.model, hand)
    degrees = np.rad2deg(violation.excess)
    order = np.argsort(-degrees)
    worst = int(order[0])
    offenders = [
        f"{hand.joints[i]}: {degrees[i]:.1f} deg ({violation.trials[i]})"
        for i in order
        if degrees[i] > MOST_EXCESS_DEG
    ]
    bars = Series("beyond the limit", np.arange(len(degrees)), degrees)
    panel = Panel(
        title="Joints pushed beyond their limits",
        xlabel="",
        ylabel="angle [deg]",
        kind="bars",
        series=(bars,),
        ticks=hand.joints,
        limit=MOST_EXCESS_DEG,
    )
    trial = violation.trials[worst] or "no trial"
    summary = f"largest {degrees[worst]:.1f} deg at {hand.joints[worst]} ({trial})"
    verdict = _verdict(bool(offenders))
    return Finding(verdict, summary, float(degrees[worst]), tuple(offenders), (panel,))


def check_jitter(specimen: Specimen) -> Finding:
    """V16: do joints come to rest under constant excitation, also at longer steps?"""
    model = specimen.model
    hand = specimen.hand
    own_dt = float(model.opt.timestep)
    own = mujoco.mjtIntegrator(model.opt.integrator)
    integrators = dict.fromkeys((own, mujoco.mjtIntegrator.mjINT_IMPLICITFAST))
    steps = sorted({own_dt, 2.0 * own_dt, *JITTER_STEPS})
    worst_rms = 0.0
    failed = []
    warned = []
    summary = "no movement"
    for integrator in integrators:
        for dt in steps:
            speed = jitter(model, hand, dt=dt, integrator=integrator)
            name = integrator.name.removeprefix("mjINT_").lower()
            line = (
                f"{name} {dt * 1e3:g} ms: {speed.rms:.2f} rad/s rms, "
                f"peak {speed.peak:.1f} at {speed.joint}"
            )
            if speed.rms > worst_rms:
                worst_rms = speed.rms
                summary = f"worst {line}"
            if speed.rms > MOST_RMS:
                failed.append((speed.rms, line))
            elif speed.rms > WARN_RMS or speed.peak > WARN_PEAK:
                warned.append((speed.rms, line))
    offenders = tuple(line for _, line in sorted(failed + warned, reverse=True))
    return Finding(_verdict(bool(failed), bool(warned)), summary, worst_rms, offenders)


def check_drift(specimen: Specimen) -> Finding:
    """V17: does the silent hand stay where its joint springs have no torque?"""
    degrees = np.rad2deg(drift_from_springs(specimen.model, specimen.hand))
    offenders = _above(specimen.hand.joints, degrees, MOST_DRIFT_DEG, "deg")
    joint = specimen.hand.joints[int(degrees.argmax())]
    summary = f"largest drift {degrees.max():.1f} deg in {DRIFT_SECONDS:g} s at {joint}"
    return Finding(_verdict(bool(offenders)), summary, float(degrees.max()), offenders)


def check_tapping(specimen: Specimen) -> Finding:
    """V22: does every finger tap as fast as people's, and not faster?

    The rate with the best shares of the cycle is compared: people find the rhythm of excitation
    that is fastest for them. That with equal shares, of a controller without this skill, is
    reported. Both are of muscles at full excitation, which people may not reach, so that a rate
    above theirs is a warning.
    """
    tapping: dict[str, Tapping] = {}
    offenders = []
    for finger in FINGERS:
        if knuckle(finger) in specimen.hand.joints:
            try:
                tapping[finger] = tapping_rate(specimen.model, specimen.hand, finger)
            except ModelError as error:
                tapping[finger] = Tapping(0.0, 0.5, 0.0, (), ())
                offenders.append(f"{finger}: {error}")
    if not tapping:
        return Finding(Verdict.SKIP, _NO_KNUCKLE)
    is_slow = False
    is_fast = False
    for finger, taps in sorted(tapping.items(), key=lambda item: item[1].rate):
        low, high = HUMAN_TAPPING_HZ[finger]
        is_slow |= taps.rate < low
        is_fast |= taps.rate > high
        if taps.flexors and not low <= taps.rate <= high:
            offenders.append(f"{finger}: {taps.rate:g} Hz; people {low:g} to {high:g}")
    rates = {finger: taps.rate for finger, taps in tapping.items()}
    equal = {finger: taps.equal_rate for finger, taps in tapping.items()}
    best_words = ", ".join(f"{finger} {rate:g}" for finger, rate in rates.items())
    equal_words = ", ".join(f"{rate:g}" for rate in equal.values())
    summary = f"{best_words} Hz; with equal shares {equal_words} Hz"
    panel = _tapping_panel(rates, equal)
    slowest = min(rates.values())
    return Finding(_verdict(is_slow, is_fast), summary, slowest, tuple(offenders), (panel,))


def check_step_time(specimen: Specimen) -> Finding:
    """V23: does a simulation step take little time? Only warns: it depends on the machine."""
    microseconds = step_time(specimen.model, specimen.hand)
    verdict = _verdict(False, microseconds > BUDGET_US)
    return Finding(verdict, f"{microseconds:.0f} us a step on this machine", microseconds)


def check_passive_torque(specimen: Specimen) -> Finding:
    """V26: do silent muscles hardly load the fingers, at rest and in playing posture?"""
    model = specimen.model
    hand = specimen.hand
    playing = couple(hand, named_posture(hand, PLAYING_POSTURE_DEG, hand.limits(model)))
    names = [hand.joints[i] for i in hand.independent]
    fingers = [i for i, name in enumerate(names) if name not in WRIST_JOINTS]
    if not fingers:
        return Finding(Verdict.SKIP, "not applicable: the model has no joint of a digit")
    lines = []
    parts = []
    for label, posture in (("at rest", rest_angles(model, hand)), ("playing", playing)):
        torque = passive_torque(model, hand, posture)
        muscles = independent_torque(hand, torque.muscles)
        springs = independent_torque(hand, torque.springs)
        worst = fingers[int(np.abs(muscles[fingers]).argmax())]
        parts.append(
            f"{label} {muscles[worst]:+.3f} N m at {names[worst]} (springs {springs[worst]:+.3f})"
        )
        lines += [(abs(muscles[i]), f"{names[i]} {label}: {muscles[i]:+.3f} N m") for i in fingers]
    lines.sort(reverse=True)
    offenders = tuple(line for size, line in lines if size > MOST_PASSIVE_TORQUE)
    summary = "muscles' largest " + ", ".join(parts)
    verdict = _verdict(bool(offenders))
    return Finding(verdict, summary, float(lines[0][0]), offenders, (_passive_panel(specimen),))


def check_rest_posture(specimen: Specimen) -> Finding:
    """V27: without excitation and gravity, does the hand come to rest half open from any start?"""
    hand = specimen.hand
    mcp = [i for i, joint in enumerate(hand.joints) if joint in map(knuckle, FINGERS)]
    if not mcp:
        return Finding(Verdict.SKIP, _NO_KNUCKLE)
    resting = rest_posture(specimen.model, hand)
    ends = np.rad2deg(np.vstack([resting.angles, resting.random_starts]))
    drift = np.rad2deg(resting.drift)
    spread = np.rad2deg(resting.spread)
    low = ends.min(axis=0)
    high = ends.max(axis=0)
    offenders = [
        f"{hand.joints[i]}: comes to rest at {low[i]:.0f} to {high[i]:.0f} deg, "
        f"not {MCP_REST_DEG[0]:.0f} to {MCP_REST_DEG[1]:.0f}"
        for i in mcp
        if low[i] < MCP_REST_DEG[0] or high[i] > MCP_REST_DEG[1]
    ]
    offenders += _above(
        hand.joints, spread, MOST_SPREAD_DEG, "deg between ends of different starts"
    )
    offenders += _above(
        hand.joints, drift, MOST_DRIFT_DEG, f"deg of drift after {SETTLE_SECONDS:g} s"
    )
    traces = tuple(
        Series(hand.joints[i], resting.time, np.rad2deg(resting.traces[:, i])) for i in mcp
    )
    panel = Panel("Let go from all joints at 0", "time [s]", "angle [deg]", "line", traces)
    summary = (
        f"MCP joints at {low[mcp].min():.0f} to {high[mcp].max():.0f} deg; "
        f"ends differ by up to {spread.max():.1f} deg ({hand.joints[int(spread.argmax())]}), "
        f"drift {drift.max():.1f} deg"
    )
    verdict = _verdict(bool(offenders))
    return Finding(verdict, summary, float(low[mcp].min()), tuple(offenders), (panel,))


def check_soak(specimen: Specimen, seconds: float = SOAK_SECONDS) -> Finding:
    """V28: does a long run under changing excitation end without warnings and silent resets?

    Args:
        specimen: the hand.
        seconds: simulated time of the run [s].
    """
    offenders = []
    count = 0
    for dt in JITTER_STEPS:
        run = soak(specimen.model, specimen.hand, seconds=seconds, dt=dt)
        events = {**run.warnings, "silent resets": run.resets, "not finite": run.not_finite}
        count += sum(events.values())
        offenders += [
            f"{dt * 1e3:g} ms: {name} {number}" for name, number in events.items() if number
        ]
    steps = " and ".join(f"at {1e3 * dt:g} ms" for dt in JITTER_STEPS)
    summary = f"{count} warnings, resets or values not finite in {seconds:g} s {steps}"
    return Finding(_verdict(bool(offenders)), summary, float(count), tuple(offenders))


def _tapping_panel(rates: dict[str, float], equal_rates: dict[str, float]) -> Panel:
    """Tapping rates of each finger beside those of people [Hz]."""
    x = np.arange(len(rates))
    bands = np.array([HUMAN_TAPPING_HZ[finger] for finger in rates])
    half = np.diff(bands, axis=1)[:, 0] / 2
    return Panel(
        title="Fastest tapping",
        xlabel="",
        ylabel="rate [Hz]",
        kind="bars",
        series=(
            Series("best", x, np.array(list(rates.values()))),
            Series("equal shares", x, np.array(list(equal_rates.values()))),
            Series("people", x, bands.mean(axis=1), error=half),
        ),
        ticks=tuple(rates),
    )


def _passive_panel(specimen: Specimen) -> Panel:
    """Torque about the MCP joints over their range: of muscles and springs, and of muscles."""
    posture = rest_angles(specimen.model, specimen.hand)
    independent = {specimen.hand.joints[i] for i in specimen.hand.independent}
    series = []
    for joint in (knuckle(finger) for finger in FINGERS):
        if joint in independent:
            curve = passive_curve(specimen.model, specimen.hand, joint, posture)
            degrees = np.rad2deg(curve.angles)
            series.append(Series(joint, degrees, curve.muscles + curve.springs))
            series.append(Series(f"{joint}, muscles", degrees, curve.muscles))
    return Panel(
        "Passive torque, flexion positive", "angle [deg]", "torque [N m]", "line", tuple(series)
    )


def _verdict(fails: bool, warns: bool = False) -> Verdict:
    return Verdict.FAIL if fails else Verdict.WARN if warns else Verdict.PASS


def _above(
    names: tuple[str, ...], values: np.ndarray, threshold: float, unit: str
) -> tuple[str, ...]:
    """A line for each value above the threshold, worst first."""
    return tuple(
        f"{names[i]}: {values[i]:.1f} {unit}" for i in np.argsort(-values) if values[i] > threshold
    )


CHECKS: tuple[Check, ...] = (
    Check(
        code="V15",
        title="Limit violation",
        asks=(
            "Do joints stay inside their limits under random and full excitation, "
            "and with each muscle alone?"
        ),
        threshold=f"at most {MOST_EXCESS_DEG:g} deg beyond a limit",
        source="own; published hands reach 9 to 10 deg",
        run=check_limit_violation,
    ),
    Check(
        code="V16",
        title="Jitter",
        asks=(
            "Do joints come to rest under constant random excitation, with the model's integrator "
            f"and implicitfast, at its own time step, at twice that, and at {_STEPS_MS} ms?"
        ),
        threshold=(
            f"at most {MOST_RMS:g} rad/s rms; a warning above {WARN_RMS:g} rms "
            f"or a peak of {WARN_PEAK:g}"
        ),
        source="own; what is left is chatter of the integration",
        run=check_jitter,
    ),
    Check(
        code="V17",
        title="Drift",
        asks=(
            f"Does the silent hand, without gravity, stay for {DRIFT_SECONDS:g} s where its joint "
            "springs have no torque (its default posture if it has none)?"
        ),
        threshold=f"at most {MOST_DRIFT_DEG:g} deg",
        source="own",
        run=check_drift,
    ),
    Check(
        code="V22",
        title="Tapping",
        asks=(
            "How fast can flexors and extensors in turn move the MCP joint by "
            f"{np.rad2deg(AMPLITUDE):.0f} deg?"
        ),
        threshold=", ".join(
            f"{finger} {low:g} to {high:g} Hz" for finger, (low, high) in HUMAN_TAPPING_HZ.items()
        )
        + "; slower ones fail, faster ones are a warning",
        source=(
            "people tap at 5 to 7 Hz (Neurosci Lett 2009), ring and little finger slower (Aoki "
            "2003, recalled), in pianists hardly (Aoki 2005)"
        ),
        run=check_tapping,
    ),
    Check(
        code="V23",
        title="Step time",
        asks="How long does a simulation step take?",
        threshold=f"a warning above {BUDGET_US:g} us",
        source="own; it depends on the machine",
        run=check_step_time,
    ),
    Check(
        code="V26",
        title="Passive torque",
        asks=(
            "How much torque do silent muscles put on the fingers' joints at rest "
            "and in playing posture?"
        ),
        threshold=f"at most {MOST_PASSIVE_TORQUE:g} N m",
        source=(
            "own; passive stiffness of the MCP joint is 0.033 to 0.047 N m/rad, "
            "mostly of the joint (PMC7775510 table 2; Kuo & Deshpande 2010)"
        ),
        run=check_passive_torque,
    ),
    Check(
        code="V27",
        title="Rest posture",
        asks=(
            "Where does the silent hand come to rest without gravity, from all joints at 0 "
            "and from random postures?"
        ),
        threshold=(
            f"MCP joints at {MCP_REST_DEG[0]:g} to {MCP_REST_DEG[1]:g} deg, "
            f"all starts within {MOST_SPREAD_DEG:g} deg, "
            f"drift at most {MOST_DRIFT_DEG:g} deg in {DRIFT_SECONDS:g} s"
        ),
        source="MCP joints rest at 40 to 58 deg (PMC7775510); spread and drift own",
        run=check_rest_posture,
    ),
    Check(
        code="V28",
        title="Soak",
        asks=(
            f"Does a run of {SOAK_SECONDS:g} s under changing random excitation go through, "
            f"at {_STEPS_MS} ms?"
        ),
        threshold="no warning of MuJoCo's, no silent reset, no value that is not finite",
        source="own",
        run=check_soak,
    ),
)
"""The checks of this module."""
