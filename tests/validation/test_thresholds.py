"""What a check prints as its threshold is what it tests: every number in the text comes from a
constant of the code, and is that constant."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from musclehand.body.analysis import moment_arm, passive, size, tapping
from musclehand.validation import check as check_module
from musclehand.validation.checks import (
    arms,
    behaviour,
    bones,
    couplings,
    courses,
    effort,
    fibres,
    names,
    proportions,
    ranges,
    strength,
    structure,
    times,
    unused,
    wrist,
)
from musclehand.validation.suite import CHECKS

POSTURES = check_module.NUM_POSTURES

TESTED = {
    "V01": [],
    "V02": [structure.MOST_DAMPING],
    "V03": [100 * fibres.RANGE_MARGIN],
    "V04": [fibres.FEWEST_MEAN, fibres.FEWEST_MAX, POSTURES],
    "V05": [*fibres.L0_RATIO, 1e3 * size.USUAL_LENGTH],
    "V06": [100 * fibres.F0_TOLERANCE],
    "V07": [*fibres.REST_LIMITS, 100 * fibres.MOST_UNUSABLE, POSTURES, *fibres.FIBRE_LIMITS],
    "V08": [100 * arms.RIGHT_SHARE, POSTURES, 1e3 * arms.TOLERANCE],
    "V09": [1e3 * arms.NO_ARM],
    "V10": [1e3 * moment_arm.JUMP_OF_LENGTH, 1e3 * moment_arm.JUMP_OF_ARM],
    "V11": [1e3 * arms.RMS_LIMIT, arms.DEVIATIONS],
    "V12": [100 * strength.CLOSURE_SHARE, POSTURES],
    "V13": [strength.LEAST_TORQUE, 100 * strength.TORQUE_SHARE, POSTURES],
    "V14": [strength.LEAST_FORCE, strength.NUM_SD],
    "V15": [behaviour.MOST_EXCESS_DEG],
    "V16": [behaviour.MOST_RMS, behaviour.WARN_RMS, behaviour.WARN_PEAK],
    "V17": [behaviour.MOST_DRIFT_DEG],
    "V18": [structure.LARGEST_INERTIA, structure.POSSIBLE_INERTIA, *structure.HAND_MASS],
    "V19": [np.rad2deg(ranges.SHORT), np.rad2deg(ranges.LONG_LEAST), 100 * ranges.LONG_SHARE],
    "V20": [],
    "V21": [
        1e3 * ranges.MIRROR_LENGTH,
        1e3 * ranges.MIRROR_ARM,
        100 * ranges.MIRROR_SHARE,
        np.rad2deg(ranges.MIRROR_RANGE),
    ],
    "V22": [bound for band in behaviour.HUMAN_TAPPING_HZ.values() for bound in band],
    "V23": [behaviour.BUDGET_US],
    "V24": [100 * names.CMC_SHARE],
    "V25": [np.rad2deg(arms.MOST_TURN), 1e3 * arms.TOLERANCE],
    "V26": [behaviour.MOST_PASSIVE_TORQUE],
    "V27": [
        *behaviour.MCP_REST_DEG,
        behaviour.MOST_SPREAD_DEG,
        behaviour.MOST_DRIFT_DEG,
        passive.DRIFT_SECONDS,
    ],
    "V28": [],
    "V29": [1e3 * bones.DEEPEST, 1e3 * bones.REACH_HAND, 1e3 * bones.REACH_FOREARM],
    "V30": [wrist.WOMEN_SHARE, wrist.NUM_SD, wrist.HELD_FACTOR],
    "V31": [
        wrist.MOST_NEAR_ZERO,
        wrist.WARN_NEAR_ZERO,
        wrist.END_FACTOR,
        wrist.NUM_SD,
        wrist.STIFFNESS_FACTOR,
    ],
    "V32": [1e3 * arms.TOLERANCE, 1e3 * courses.MOST_VARIATION],
    "V33": [
        100 * proportions.RATIO_SPREAD,
        100 * proportions.TENSION_SPREAD,
        proportions.PROPORTION_FACTOR,
    ],
    "V34": [*effort.RESTING, *effort.PLAYING],
    "V35": [
        *(1e3 * bound for bound in (*structure.ADULT_LENGTH, *structure.ADULT_BREADTH)),
        structure.NO_HAND,
        *structure.SEGMENT_RATIO,
    ],
    "V36": [names.WRONG_TURN_DEG, names.ODD_TURN_DEG],
    "V37": [],
    "V38": [*times.RISE_MS, *times.FALL_MS],
    "V39": [couplings.LEAST_RATIO, couplings.MOST_EXCESS_DEG],
}
"""The constants that each check compares with, in the unit and the order of its text."""

ASKED = {
    "V10": [np.rad2deg(moment_arm.FINEST_STEP)],
    "V14": [len(strength.PRESSING_DEG), strength.FRICTION],
    "V16": [1e3 * step for step in behaviour.JITTER_STEPS],
    "V17": [passive.DRIFT_SECONDS],
    "V22": [np.rad2deg(tapping.AMPLITUDE)],
    "V28": [behaviour.SOAK_SECONDS, *(1e3 * step for step in behaviour.JITTER_STEPS)],
    "V31": [*wrist.KNUCKLE_DEG],
}
"""The same of the numbers in a question."""

NAMES = re.compile(r"\b[A-Za-z]+\^?\d+\b|\b[FlLm]\d\b")
"""Symbols with digits: F0, l0, L^2."""


def numbers(text):
    return [float(word) for word in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", NAMES.sub("", text))]


def test_every_check_is_here():
    assert list(TESTED) == [check.code for check in CHECKS]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_the_numbers_of_a_threshold_are_those_that_are_tested(check):
    assert numbers(check.threshold) == pytest.approx(TESTED[check.code], rel=6e-3)


@pytest.mark.parametrize("code", ASKED)
def test_the_numbers_of_a_question_are_those_that_are_used(code):
    (check,) = (check for check in CHECKS if check.code == code)
    assert numbers(check.asks.replace("at 0 ", "")) == pytest.approx(ASKED[code])


def test_no_number_of_a_threshold_is_written_by_hand():
    """So that a changed constant changes the text with it."""
    calls = 0
    modules = (
        *(arms, behaviour, bones, courses, effort, fibres, names, proportions, ranges, strength),
        *(couplings, structure, times, unused, wrist),
    )
    for module in modules:
        for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Check"):
                continue
            calls += 1
            (threshold,) = (word.value for word in node.keywords if word.arg == "threshold")
            for part in ast.walk(threshold):
                if isinstance(part, ast.FormattedValue):
                    part.format_spec = None
            for part in ast.walk(threshold):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    assert not numbers(part.value), part.value
    assert calls == len(CHECKS)


def test_the_mass_of_a_hand_and_its_source_agree():
    """0.50 % of 46 kg to 0.65 % of 115 kg."""
    (check,) = (check for check in CHECKS if check.code == "V18")
    shares_and_masses = numbers(check.source.split("Plagenhoef")[0])
    low, high = np.reshape(shares_and_masses, (2, 2)).prod(axis=1) / 100
    assert pytest.approx((low, high), abs=0.005) == structure.HAND_MASS
    assert "Winter" not in check.source + check.threshold
