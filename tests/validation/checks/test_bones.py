"""Our paths stay out of the bones; one that is put into a bone is named."""

from dataclasses import replace

import pytest

from musclehand.validation.check import Verdict
from musclehand.validation.checks.bones import check_bones
from musclehand.validation.specimen import open_specimens


@pytest.fixture(scope="module")
def ours():
    return open_specimens("musclehand", side="right")[0]


@pytest.fixture(scope="module")
def with_bones(ours):
    return ours.with_bones()


def test_our_paths_are_outside_the_bones(ours, with_bones):
    finding = check_bones(replace(ours, with_bones=lambda: with_bones))
    assert finding.verdict is Verdict.PASS
    assert finding.value < 1.0


def test_points_in_a_bone_and_out_of_reach_are_named(ours, with_bones):
    model = with_bones.__copy__()
    model.site("FDP3_m1a_r").pos = [0.8e-3, -0.022, 4.8e-3]  # the middle of the proximal phalanx
    model.site("FDS3_m0a_r").pos = [0, 0, -0.04]
    finding = check_bones(replace(ours, with_bones=lambda: model))
    assert finding.verdict is Verdict.FAIL
    text = " ".join(finding.offenders)
    assert "FDP3_m1a_r" in text
    assert "inside 3proxph_r" in text
    assert "FDS3_m0a_r" in text
    assert "from the nearest bone" in text


def test_a_model_without_meshes_is_not_asked(ours):
    assert check_bones(replace(ours, with_bones=None)).verdict is Verdict.SKIP
