"""Hand files that were judged or refused wrongly once, each of which stands for its kind."""

import numpy as np
import pytest

from musclehand.cli import main
from musclehand.validation.check import Verdict
from musclehand.validation.specimen import open_specimens
from musclehand.validation.suite import examine
from support.paths import SHARED_DATA

HANDS = SHARED_DATA / "hands"
MUSCLES = 46

pytestmark = pytest.mark.skipif(not HANDS.is_dir(), reason="needs the hand files")


def finding(name, code):
    (specimen,) = open_specimens(HANDS / name)
    (examination,) = examine([specimen], [code])
    return examination.results[0].finding


def test_a_file_beside_an_included_file_is_found():
    """The texture is beside the scene, which the hand includes from another folder."""
    folder = HANDS / "texture_in_included_folder"
    (specimen,) = open_specimens(folder / "arm" / "hand.xml", root=folder)
    assert len(specimen.hand.muscles) == MUSCLES
    assert specimen.model.ntex == 1


def test_muscles_without_the_suffix_of_the_joints_are_found():
    (specimen,) = open_specimens(HANDS / "muscles_without_suffix.xml")
    assert len(specimen.hand.muscles) == MUSCLES
    assert "FDP2" in specimen.hand.muscle_names
    assert not any(name.endswith("_r") for name in specimen.hand.muscle_names)


def test_a_range_in_degrees_fails():
    result = finding("range_in_degrees.xml", "V19")
    assert result.verdict is Verdict.FAIL
    (line,) = (line for line in result.offenders if "flexion 5157 deg" in line)
    assert line.startswith("mcp2_flexion")
    assert "degrees" in line


def test_a_hundredfold_armature_fails():
    result = finding("armature_x100.xml", "V18")
    assert result.verdict is Verdict.FAIL
    assert any("armature" in line and "md2_flexion" in line for line in result.offenders)
    (specimen,) = open_specimens(HANDS / "armature_x100.xml")
    assert np.median(specimen.model.dof_armature[specimen.hand.dofs]) == pytest.approx(0.01)


def test_a_muscle_without_an_anatomical_name_is_said():
    result = finding("extra_muscle_unnamed.xml", "V24")
    assert result.verdict is Verdict.WARN
    (line,) = (line for line in result.offenders if "MYMUS" in line)
    assert "FDP2" in line, "its path is that of FDP2"


def test_the_difference_names_the_extra_muscle(capsys):
    base, edited = (
        HANDS / f"{name}.xml" for name in ("muscles_without_suffix", "extra_muscle_unnamed")
    )
    assert main(["diff", str(base), str(edited)]) == 0
    assert "MYMUS" in capsys.readouterr().out
