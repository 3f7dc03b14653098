"""Checks of what a hand does when it is simulated: stability, rest, tapping, time (V15-V17, V22,
V23, V26-V28)."""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import jitter, limit_violation, rest_angles, soak, step_time
from musclehand.body.analysis.passive import (
    drift_from_springs,
    passive_curve,
    passive_torque,
    reduced,
    rest_posture,
)
from musclehand.body.analysis.tapping import FINGERS, Tapping, knuckle, tapping_rate
from musclehand.body.anatomy import WRIST_JOINTS
from musclehand.body.posture import PLAYING_POSTURE_DEG, couple, named_posture
from musclehand.core.errors import ModelError
from musclehand.validate.check import Check, Finding, Panel, Series, Specimen, Verdict

MOST_EXCESS_DEG = 2.0
WARN_RMS = 0.5
MOST_RMS = 1.0
WARN_PEAK = 3.0
MOST_DRIFT_DEG = 1.0
MOST_SPREAD_DEG = 5.0
LEAST_TAPPING_HZ = 7.0
HUMAN_TAPPING_HZ = (5.0, 7.0)
BUDGET_US = 150.0
MOST_PASSIVE_TORQUE = 0.1
MCP_REST_DEG = (30.0, 60.0)
JITTER_STEPS = (0.002, 0.004)
SOAK_SECONDS = 20.0


def check_limit_violation(specimen: Specimen) -> Finding:
    """V15: joints stay inside their limits whatever the muscles do."""
    hand = specimen.hand
    found = limit_violation(specimen.model, hand)
    degrees = np.rad2deg(found.excess)
    order = np.argsort(-degrees)
    worst = int(order[0])
    offenders = [
        f"{hand.joints[i]}: {degrees[i]:.1f} deg ({found.trials[i]})"
        for i in order
        if degrees[i] > MOST_EXCESS_DEG
    ]
    bars = Series("beyond the limit", np.arange(len(degrees)), degrees)
    panel = Panel(
        "Joints pushed beyond their limits",
        "",
        "angle [deg]",
        "bars",
        (bars,),
        hand.joints,
        MOST_EXCESS_DEG,
    )
    summary = f"largest {degrees[worst]:.1f} deg at {hand.joints[worst]} ({found.trials[worst] or 'no trial'})"
    return Finding(
        _verdict(bool(offenders)), summary, float(degrees[worst]), tuple(offenders), (panel,)
    )


def check_jitter(specimen: Specimen) -> Finding:
    """V16: joints come to rest under constant excitation, also at longer steps."""
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
            found = jitter(model, hand, dt=dt, integrator=integrator)
            name = integrator.name.removeprefix("mjINT_").lower()
            line = f"{name} {dt * 1e3:g} ms: {found.rms:.2f} rad/s rms, peak {found.peak:.1f} at {found.joint}"
            if found.rms > worst_rms:
                worst_rms = found.rms
                summary = f"worst {line}"
            if found.rms > MOST_RMS:
                failed.append((found.rms, line))
            elif found.rms > WARN_RMS or found.peak > WARN_PEAK:
                warned.append((found.rms, line))
    offenders = tuple(line for _, line in sorted(failed + warned, reverse=True))
    return Finding(_verdict(bool(failed), bool(warned)), summary, worst_rms, offenders)


def check_drift(specimen: Specimen) -> Finding:
    """V17: the hand stays where it says it is at ease."""
    degrees = np.rad2deg(drift_from_springs(specimen.model, specimen.hand))
    offenders = _above(specimen.hand.joints, degrees, MOST_DRIFT_DEG, "deg")
    summary = f"largest drift {degrees.max():.1f} deg in 3 s at {specimen.hand.joints[int(degrees.argmax())]}"
    return Finding(_verdict(bool(offenders)), summary, float(degrees.max()), offenders)


def check_tapping(specimen: Specimen) -> Finding:
    """V22: every finger taps as fast as a pianist's."""
    found: dict[str, Tapping] = {}
    offenders = []
    for finger in FINGERS:
        if knuckle(finger) in specimen.hand.joints:
            try:
                found[finger] = tapping_rate(specimen.model, specimen.hand, finger)
            except ModelError as error:
                found[finger] = Tapping(0.0, 0.5, 0.0, (), ())
                offenders.append(f"{finger}: {error}")
    if not found:
        return Finding(Verdict.SKIP, "the model has no finger's MCP flexion")
    for finger, taps in sorted(found.items(), key=lambda item: item[1].rate):
        if taps.equal_rate < LEAST_TAPPING_HZ and taps.flexors:
            offenders.append(
                f"{finger}: {taps.rate:g} Hz, with equal shares {taps.equal_rate:g} Hz"
            )
    rates = {finger: taps.rate for finger, taps in found.items()}
    equal = {finger: taps.equal_rate for finger, taps in found.items()}
    places, low, high = np.arange(len(found)), *HUMAN_TAPPING_HZ
    people = Series(
        "people",
        places,
        np.full(len(found), (low + high) / 2),
        np.full(len(found), (high - low) / 2),
    )
    bars = [
        Series(name, places, np.array(list(of.values())))
        for name, of in (("best", rates), ("equal shares", equal))
    ]
    panel = Panel(
        "Fastest tapping", "", "rate [Hz]", "bars", (*bars, people), tuple(found), LEAST_TAPPING_HZ
    )
    summary = (
        ", ".join(f"{finger} {rate:g}" for finger, rate in rates.items())
        + " Hz; with equal shares "
    )
    summary += ", ".join(f"{rate:g}" for rate in equal.values()) + " Hz"
    slowest = min(rates.values())
    verdict = _verdict(slowest < LEAST_TAPPING_HZ, min(equal.values()) < LEAST_TAPPING_HZ)
    return Finding(verdict, summary, slowest, tuple(offenders), (panel,))


def check_step_time(specimen: Specimen) -> Finding:
    """V23: a step takes little time; a warning, as it depends on the machine."""
    microseconds = step_time(specimen.model, specimen.hand)
    verdict = _verdict(False, microseconds > BUDGET_US)
    return Finding(verdict, f"{microseconds:.0f} us a step on this machine", microseconds)


def check_passive_torque(specimen: Specimen) -> Finding:
    """V26: silent muscles hardly load the fingers at rest and in playing posture."""
    model = specimen.model
    hand = specimen.hand
    playing = couple(hand, named_posture(hand, PLAYING_POSTURE_DEG, hand.limits(model)))
    rest = rest_angles(model, hand)
    names = [hand.joints[i] for i in hand.independent]
    fingers = [i for i, name in enumerate(names) if name not in WRIST_JOINTS]
    lines = []
    parts = []
    for what, posture in (("at rest", rest), ("playing", playing)):
        torque = passive_torque(model, hand, posture)
        muscles = reduced(hand, torque.muscles)
        springs = reduced(hand, torque.springs)
        worst = fingers[int(np.abs(muscles[fingers]).argmax())]
        parts.append(
            f"{what} {muscles[worst]:+.3f} N m at {names[worst]} (springs {springs[worst]:+.3f})"
        )
        lines += [(abs(muscles[i]), f"{names[i]} {what}: {muscles[i]:+.3f} N m") for i in fingers]
    lines.sort(reverse=True)
    offenders = tuple(line for size, line in lines if size > MOST_PASSIVE_TORQUE)
    summary = "muscles' largest " + ", ".join(parts)
    return Finding(
        _verdict(bool(offenders)),
        summary,
        float(lines[0][0]),
        offenders,
        (_passive_panel(specimen),),
    )


def check_rest_posture(specimen: Specimen) -> Finding:
    """V27: without excitation and gravity the hand comes to rest half open, from wherever it
    starts."""
    hand = specimen.hand
    mcp = [i for i, joint in enumerate(hand.joints) if joint in map(knuckle, FINGERS)]
    if not mcp:
        return Finding(Verdict.SKIP, "the model has no finger's MCP flexion")
    found = rest_posture(specimen.model, hand)
    ends = np.rad2deg(np.vstack([found.angles, found.others]))
    drift = np.rad2deg(found.drift)
    spread = np.rad2deg(found.spread)
    low = ends.min(axis=0)
    high = ends.max(axis=0)
    offenders = [
        f"{hand.joints[i]}: comes to rest at {low[i]:.0f} to {high[i]:.0f} deg, not {MCP_REST_DEG[0]:.0f} to "
        f"{MCP_REST_DEG[1]:.0f}"
        for i in mcp
        if low[i] < MCP_REST_DEG[0] or high[i] > MCP_REST_DEG[1]
    ]
    offenders += _above(
        hand.joints, spread, MOST_SPREAD_DEG, "deg between ends of different starts"
    )
    offenders += _above(hand.joints, drift, MOST_DRIFT_DEG, "deg of drift after 7 s")
    traces = tuple(Series(hand.joints[i], found.time, np.rad2deg(found.traces[:, i])) for i in mcp)
    panel = Panel("Let go from all joints at 0", "time [s]", "angle [deg]", "line", traces)
    summary = (
        f"MCP joints at {low[mcp].min():.0f} to {high[mcp].max():.0f} deg; ends differ by up to {spread.max():.1f} deg "
        f"({hand.joints[int(spread.argmax())]}), drift {drift.max():.1f} deg"
    )
    return Finding(
        _verdict(bool(offenders)), summary, float(low[mcp].min()), tuple(offenders), (panel,)
    )


def check_soak(specimen: Specimen, seconds: float = SOAK_SECONDS) -> Finding:
    """V28: a long run under changing excitation, at 2 and 4 ms, without a warning or a silent
    reset."""
    offenders = []
    count = 0
    for dt in JITTER_STEPS:
        found = soak(specimen.model, specimen.hand, seconds=seconds, dt=dt)
        events = {**found.warnings, "silent resets": found.resets, "not finite": found.not_finite}
        count += sum(events.values())
        offenders += [
            f"{dt * 1e3:g} ms: {name} {number}" for name, number in events.items() if number
        ]
    summary = f"{count} warnings, resets or values not finite in {seconds:g} s at 2 ms and at 4 ms"
    return Finding(_verdict(bool(offenders)), summary, float(count), tuple(offenders))


def _passive_panel(specimen: Specimen) -> Panel:
    """Torque about the MCP joints over their range, of muscles and springs together."""
    rest = rest_angles(specimen.model, specimen.hand)
    independent = {specimen.hand.joints[i] for i in specimen.hand.independent}
    series = []
    for joint in (knuckle(finger) for finger in FINGERS):
        if joint in independent:
            curve = passive_curve(specimen.model, specimen.hand, joint, rest)
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
    """One line each for values above the threshold, worst first."""
    return tuple(
        f"{names[i]}: {values[i]:.1f} {unit}" for i in np.argsort(-values) if values[i] > threshold
    )


CHECKS: tuple[Check, ...] = (
    Check(
        "V15",
        "Limit violation",
        "Do joints stay inside their limits under random and full excitation, and with each muscle alone?",
        f"at most {MOST_EXCESS_DEG:g} deg beyond a limit",
        "own; published hands reach 9 to 10 deg",
        check_limit_violation,
    ),
    Check(
        "V16",
        "Jitter",
        "Do joints come to rest under constant random excitation, with the model's integrator and implicitfast, "
        "at its own time step, at twice that, and at 2 and 4 ms?",
        f"at most {MOST_RMS:g} rad/s rms; a warning above {WARN_RMS:g} rms or a peak of {WARN_PEAK:g}",
        "own; what is left is chatter of the integration",
        check_jitter,
    ),
    Check(
        "V17",
        "Drift",
        "Does the silent hand, without gravity, stay for 3 s where its joint springs have no torque "
        "(its default posture if it has none)?",
        f"at most {MOST_DRIFT_DEG:g} deg",
        "own",
        check_drift,
    ),
    Check(
        "V22",
        "Tapping",
        "How fast can flexors and extensors in turn move the MCP joint by 25 deg?",
        f"at least {LEAST_TAPPING_HZ:g} Hz for every finger; a warning where it takes unequal shares of the cycle",
        "people tap at 5 to 7 Hz (Neurosci Lett 2009); pianists' fastest runs are 7 to 16 tones a second "
        "(PLOS ONE 0050901)",
        check_tapping,
    ),
    Check(
        "V23",
        "Step time",
        "How long does a simulation step take?",
        f"a warning above {BUDGET_US:g} us",
        "own; it depends on the machine",
        check_step_time,
    ),
    Check(
        "V26",
        "Passive torque",
        "How much torque do silent muscles put on the fingers' joints at rest and in playing posture?",
        f"at most {MOST_PASSIVE_TORQUE:g} N m",
        "own; passive stiffness of the MCP joint is 0.033 to 0.047 N m/rad, mostly of the joint (PMC7775510 table 2; "
        "Kuo & Deshpande 2010)",
        check_passive_torque,
    ),
    Check(
        "V27",
        "Rest posture",
        "Where does the silent hand come to rest without gravity, from all joints at 0 and from random postures?",
        f"MCP joints at {MCP_REST_DEG[0]:g} to {MCP_REST_DEG[1]:g} deg, all starts within {MOST_SPREAD_DEG:g} deg, "
        f"drift at most {MOST_DRIFT_DEG:g} deg in 3 s",
        "MCP joints rest at 40 to 58 deg (PMC7775510); spread and drift own",
        check_rest_posture,
    ),
    Check(
        "V28",
        "Soak",
        "Does a long run under changing random excitation go through, at 2 and 4 ms?",
        "no warning of MuJoCo's, no silent reset, no value that is not finite",
        "own",
        check_soak,
    ),
)
