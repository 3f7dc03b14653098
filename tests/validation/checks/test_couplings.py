"""Couplings of joints: our hand, and the slips that people make in one."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen
from musclehand.validation.checks.couplings import MOST_EXCESS_DEG, check_couplings


@pytest.fixture(scope="module")
def spec():
    return hand_spec(Side.RIGHT)


def finding(spec, change=None):
    copy = spec.copy()
    if change is not None:
        change(copy.equality("md2_flexion_coupling_r"))
    model = copy.compile()
    hand = HandIndex.from_model(model, Side.RIGHT)
    return check_couplings(Specimen("hand", model, hand, own_naming(), copy))


def test_our_hand_passes(spec):
    assert finding(spec).verdict.value == "pass"


def test_the_joint_of_another_finger_is_named(spec):
    def change(equality):
        equality.name2 = "pm5_flexion_r"

    (line,) = finding(spec, change).offenders
    assert line == "md2_flexion: 0.67 times pm5_flexion, a joint of the little"


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(66.7, "which leads it to 6"), (-0.667, "one flexes while the other extends")],
)
def test_a_ratio_that_no_joint_has(spec, ratio, words):
    def change(equality):
        equality.data[1] = ratio

    (line,) = finding(spec, change).offenders
    assert line.startswith(f"md2_flexion: {ratio:.2f} times pm2_flexion")
    assert words in line


@pytest.mark.parametrize(("beyond_deg", "verdict"), [(-0.5, "pass"), (0.5, "fail")])
def test_a_follower_may_be_led_a_little_beyond_its_range(spec, beyond_deg, verdict):
    """The highest ratio with which the end of the driver's range is in the follower's."""
    model = spec.copy().compile()
    driver, follower = (
        np.rad2deg(model.joint(name).range[1]) for name in ("pm2_flexion_r", "md2_flexion_r")
    )

    def change(equality):
        equality.data[1] = (follower + MOST_EXCESS_DEG + beyond_deg) / driver

    assert finding(spec, change).verdict.value == verdict


def test_a_hand_without_couplings_is_not_asked(spec):
    copy = spec.copy()
    for equality in list(copy.equalities):
        copy.delete(equality)
    assert finding(copy).verdict.value == "skip"
