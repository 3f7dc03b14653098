"""Courses of arms: made-up ones, and those of MyoHand and our hand by plain MuJoCo."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.reference import ArmTrendRow, load_reference
from musclehand.validation.check import Verdict
from musclehand.validation.checks import courses
from musclehand.validation.checks.courses import CHECKS, MOST_VARIATION, check_trends
from support.wrist_and_finger import wrist_and_finger


@pytest.fixture
def measured(monkeypatch):
    """Sets the measured course to compare with."""

    def choose(trend, status="published", end=90):
        row = ArmTrendRow(
            "FDS2", "mcp2_flexion", 0.0, np.deg2rad(end), trend, "Somebody 2000", status
        )
        monkeypatch.setattr(courses, "load_reference", lambda: SimpleNamespace(arm_trends=(row,)))

    return choose


def swept(monkeypatch, sizes):
    """Gives every muscle this course of its arm [mm] in place of the model's."""

    def sweep(model, hand, joint, posture, *, angles):
        course = np.interp(np.linspace(0, 1, len(angles)), np.linspace(0, 1, len(sizes)), sizes)
        return SimpleNamespace(
            angles=angles, arms=1e-3 * np.repeat(course[:, None], len(hand.muscle_names), axis=1)
        )

    monkeypatch.setattr(courses, "sweep", sweep)


@pytest.mark.parametrize(
    ("trend", "sizes", "verdict"),
    [
        ("rises", (10, 12), "pass"),
        ("rises", (-10, -12), "pass"),
        ("rises", (10, 15, 8.6), "fail"),
        ("rises", (10, 10.2), "warn"),
        ("falls", (12, 10), "pass"),
        ("falls", (10, 12), "fail"),
        ("falls", (10, 9.8), "warn"),
        ("constant", (10, 13, 9), "pass"),
        ("constant", (9, 15, 9.5), "fail"),
        ("constant", (9, 15), "warn"),
        ("constant", (15, 9), "fail"),
    ],
)
def test_courses_are_compared_by_size_whatever_the_direction(
    measured, monkeypatch, trend, sizes, verdict
):
    measured(trend)
    swept(monkeypatch, sizes)
    finding = check_trends(wrist_and_finger({"FDS2": (10.0, 0.01, 0.01)}))
    assert finding.verdict.value == verdict
    if verdict != "pass":
        first, last = abs(sizes[0]), abs(sizes[-1])
        assert finding.offenders[0].startswith(f"FDS2 at mcp2_flexion: {first:.1f} mm at 0 deg")
        assert f"{last:.1f} at 86" in finding.offenders[0], "1.5 rad, where the joint ends"
        assert "Somebody 2000" in finding.offenders[0]


def test_recalled_courses_only_warn(measured, monkeypatch):
    measured("rises", "recalled")
    swept(monkeypatch, (12, 10))
    finding = check_trends(wrist_and_finger({"FDS2": (10.0, 0.01, 0.01)}))
    assert finding.verdict is Verdict.WARN


def test_a_joint_that_does_not_reach_the_measured_angles_is_not_compared(measured):
    measured("rises", end=150)
    finding = check_trends(wrist_and_finger({"FDS2": (10.0, 0.01, 0.01)}))
    assert finding.verdict is Verdict.SKIP
    assert finding.summary.startswith("not applicable: ")


@pytest.mark.parametrize("name", ["ours", "myohand"])
def test_plain_mujoco_s_lengths_have_the_same_courses(request, name):
    """Arms by central differences of tendon lengths; each measured course is judged anew."""
    specimen = request.getfixturevalue(name)
    model = specimen.model
    hand = specimen.hand
    data = mujoco.MjData(model)
    limits = hand.limits(model)
    finding = check_trends(specimen)
    lines = {line.split(":")[0]: line for line in finding.offenders}
    judged = 0
    for row in load_reference().arm_trends:
        muscle = hand.muscle_names.index(row.muscle)
        driver = row.joint.replace("md", "pm") if row.joint.startswith("md") else row.joint
        if driver != row.joint:
            continue
        judged += 1
        column = hand.expand[:, [hand.joints[i] for i in hand.independent].index(driver)]
        place = hand.joints.index(row.joint)
        alone = np.eye(len(hand.joints))[place]
        low, high = np.clip((row.start, row.end), *limits[place])
        arms = []
        for angle in np.linspace(low, high, 1 + int(np.ceil((high - low) / courses.STEP))):
            posture = rest_angles(model, hand)
            posture += (angle - posture[place]) * column
            lengths = []
            for step in (-1e-5, 1e-5):
                data.qpos[hand.qpos] = hand.signs * (posture + step * alone)
                mujoco.mj_kinematics(model, data)
                mujoco.mj_comPos(model, data)
                mujoco.mj_tendon(model, data)
                lengths.append(data.ten_length[hand.tendons[muscle]])
            arms.append((lengths[0] - lengths[1]) / 2e-5 / specimen.thickness)
        sizes = np.abs(arms)
        change = sizes[-1] - sizes[0]
        fall = (np.maximum.accumulate(sizes) - sizes).max()
        is_wrong = {
            "rises": change < 0,
            "falls": change > 0,
            "constant": fall > MOST_VARIATION,
        }[row.trend]
        key = f"{row.muscle} at {row.joint}"
        if is_wrong:
            assert f"{1e3 * sizes[0]:.1f} mm" in lines[key]
            assert finding.verdict is Verdict.FAIL
        elif row.trend != "constant" and abs(change) > 0.0005:
            assert key not in lines
    assert judged > 20


def test_each_check_says_what_it_is():
    assert [check.code for check in CHECKS] == ["V32"]
    assert all(check.asks.endswith("?") and check.threshold and check.source for check in CHECKS)
