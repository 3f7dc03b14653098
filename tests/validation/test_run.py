"""The front door: one function for every kind of model, with the same findings and the same errors
as the commands."""

import json

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.export import hands_spec
from musclehand.body.build.hand import hand_spec
from musclehand.cli import main
from musclehand.core.errors import InvalidValue, ModelError, MusclehandError, UnknownName
from musclehand.validation.check import Verdict
from musclehand.validation.report.write import PAGE, TABLE
from musclehand.validation.run import diff, validate
from musclehand.validation.specimen import model_name, open_specimens

CODES = ("V01", "V02", "V03", "V05", "V08", "V18", "V20", "V21", "V24")
"""Quick checks of all kinds: structure, fibres, arms, sides, names."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file with both hands; the right deep flexor of the index finger has a wrong range."""
    spec = hands_spec(tuple(Side))
    spec.actuator("FDP2_r").lengthrange = np.add(spec.actuator("FDP2_r").lengthrange, 0.05)
    spec.compile()
    path = tmp_path_factory.mktemp("front") / "hands.xml"
    path.write_text(spec.to_xml())
    return path


KINDS = {
    "path": lambda path: path,
    "text": str,
    "model": lambda path: mujoco.MjModel.from_xml_path(str(path)),
    "spec": lambda path: mujoco.MjSpec.from_file(str(path)),
    "list": lambda path: [mujoco.MjModel.from_xml_path(str(path))],
    "hands": lambda path: open_specimens(path),
}


def answers(report):
    """All that a report says of its hands."""
    return [
        (
            examination.specimen.hand.side,
            examination.specimen.naming.name,
            [
                (result.check.code, finding.verdict, finding.summary, finding.offenders)
                for result in examination.results
                for finding in [result.finding]
            ],
        )
        for examination in report.examinations
    ]


@pytest.fixture(scope="module")
def of_path(path):
    return validate(path, checks=CODES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_the_same_findings(path, of_path, kind):
    report = validate(KINDS[kind](path), checks=CODES)
    assert answers(report) == answers(of_path)
    assert not report.passed
    assert [(failure.check, failure.finding.offenders) for failure in report.failures] == [
        (failure.check, failure.finding.offenders) for failure in of_path.failures
    ]


def test_the_sides_of_a_model_in_memory_are_compared_and_chosen(path, of_path):
    assert {"V03", "V21"} <= {failure.check.code for failure in of_path.failures}
    assert all(failure.finding.verdict is Verdict.FAIL for failure in of_path.failures)
    assert of_path.failures[0].hand == f"{of_path.examinations[0].specimen.source} right"
    left = validate(KINDS["model"](path), side="left", checks=["V03"])
    assert [e.specimen.hand.side for e in left.examinations] == [Side.LEFT]
    assert left.passed
    assert left.failures == ()


def test_a_bundled_model_is_the_same_by_its_name_and_in_memory():
    by_name = validate("musclehand", side="right", checks=CODES)
    in_memory = validate(hand_spec(Side.RIGHT), checks=CODES)
    named, own = answers(by_name)[0][2], answers(in_memory)[0][2]
    mirrored = CODES.index("V21")
    assert named == own
    assert named[mirrored][1] is Verdict.SKIP


def test_models_in_memory_are_not_changed(path):
    spec = mujoco.MjSpec.from_file(str(path))
    spec.delete(spec.site("tip_index_r"))
    before = spec.to_xml()
    with pytest.raises(ModelError, match="tip"):
        validate(spec, checks=["V01"])
    assert spec.to_xml() == before
    model = mujoco.MjModel.from_xml_path(str(path))
    size = mujoco.mj_sizeModel(model)
    kept = np.empty(size, dtype=np.uint8)
    mujoco.mj_saveModel(model, None, kept)
    validate(model)
    diff(model, "musclehand")
    after = np.empty(size, dtype=np.uint8)
    mujoco.mj_saveModel(model, None, after)
    np.testing.assert_array_equal(after, kept)


def test_names_say_what_was_given(path):
    assert model_name("a/b.xml") == "a/b.xml"
    assert model_name(path) == str(path)
    named = hand_spec(Side.RIGHT)
    named.modelname = "my hand"
    assert model_name(named) == "my hand (MjSpec)"
    assert model_name(named.compile()) == "my hand (MjModel)"
    unnamed = mujoco.MjSpec.from_file(str(path))
    assert model_name(unnamed) == "MjSpec"
    report = validate([unnamed, unnamed.copy()], against=path, side="right", checks=["V01"])
    assert [examination.name for examination in report.examinations] == [
        "MjSpec right",
        "MjSpec 2 right",
        f"{path} right",
    ]
    assert [examination.name for examination in report.validated] == [
        "MjSpec right",
        "MjSpec 2 right",
    ]


def test_only_the_model_itself_decides(path):
    report = validate("musclehand", against=[path], side="right", checks=["V03"])
    assert report.passed
    assert not report.examinations[1].passed
    assert "FDP2" not in str(report), "parts at fault are those of the model alone"
    assert "worst by" in str(report)


def test_a_report_prints_and_saves_what_the_command_does(path, capsys, tmp_path):
    codes = ["V01", "V03", "V20"]
    report = validate(path, against="myohand", side="right", checks=codes)
    words = ["validate", str(path), "--against", "myohand", "--side", "right", "--checks", *codes]
    assert main([*words, "--report", str(tmp_path / "command")]) == 1
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert str(report).splitlines() == printed[:-1]
    page, table = report.save(tmp_path / "library")
    assert (page.name, table.name) == (PAGE, TABLE)
    written = json.loads(table.read_text("utf-8"))
    by_command = json.loads((tmp_path / "command" / TABLE).read_text("utf-8"))
    for models in (written, by_command):
        for model in models["models"]:
            for check in model["checks"]:
                del check["seconds"]
    assert written == by_command
    assert page.read_text("utf-8") == (tmp_path / "command" / PAGE).read_text("utf-8")


def test_a_report_shows_itself_in_a_notebook(of_path):
    html = of_path._repr_html_()
    for words in ("Length ranges", "FDP2", "V21", "fail"):
        assert words in html
    assert "<script" not in html


def test_progress_is_told_after_and_before_each_check(path):
    done = []
    checks = []
    report = validate(
        path,
        checks=["V01", "V20"],
        progress=lambda number, total: done.append((number, total)),
        on_check=lambda specimen, check: checks.append((specimen.hand.side, check.code)),
    )
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert checks == [(side, code) for side in (Side.RIGHT, Side.LEFT) for code in ("V01", "V20")]
    assert report.passed


def test_one_check_needs_no_list(path):
    assert len(validate(path, side="right", checks="v20").examinations[0].results) == 1


TWO_BALLS = (
    "<mujoco model='balls'><worldbody><body><joint name='j'/><geom size='1'/></body></worldbody>"
    "{}</mujoco>"
)
MUSCLE = "<actuator><muscle joint='j' lengthrange='0 1'/></actuator>"


def test_what_is_not_usable_is_one_line_that_names_the_model(path):
    def error(*models, kind=ModelError, **options):
        with pytest.raises(kind) as caught:
            validate(*models, **options)
        (line,) = str(caught.value).splitlines()
        return line

    strange = mujoco.MjModel.from_xml_string(TWO_BALLS.format(MUSCLE))
    assert error(strange).startswith("balls (MjModel): its joints (j) fit no naming")
    idle = mujoco.MjSpec.from_string(TWO_BALLS.format(""))
    assert error(idle).startswith("balls (MjSpec): has no muscles")
    empty = mujoco.MjSpec()
    empty.worldbody.add_body().add_joint()
    assert error(empty).startswith("MjSpec: MuJoCo does not take it: ")
    right = hand_spec(Side.RIGHT)
    assert error(right, side="left").endswith("has no left hand")
    right.delete(right.site("tip_index_r"))
    assert "tip" in error(right.compile())
    assert "nothing.xml" in error("nothing.xml")
    assert "side is 'up'" in error(right, side="up", kind=InvalidValue)
    assert "V99" in error(right, checks=["V99"], kind=UnknownName)
    assert "itself" in error([right, right], kind=MusclehandError)
    assert "itself" in error("musclehand", against=("musclehand",), kind=MusclehandError)
    specimens = open_specimens("musclehand")
    assert "itself" in error(specimens, against="musclehand", kind=MusclehandError)


def test_fingertips_that_are_bodies_need_the_spec():
    spec = hand_spec(Side.RIGHT)
    site = spec.site("tip_index_r")
    site.parent.add_body(name="tip_index_r", pos=site.pos)
    spec.delete(site)
    assert validate(spec, checks=["V01"]).passed
    assert spec.site("tip_index_r") is None
    with pytest.raises(ModelError, match=r"MjModel: its fingertip tip_index_r is a body.*MjSpec"):
        validate(spec.compile(), checks=["V01"])


def test_a_diff_takes_every_kind_of_model(path):
    spec = mujoco.MjSpec.from_file(str(path))
    spec.actuator("EIP_r").gainprm[2] *= 1.25
    spec.actuator("EIP_r").biasprm[2] *= 1.25
    changed = spec.compile()
    assert not diff(path, KINDS["model"](path)).changes
    for kind in KINDS:
        difference = diff(KINDS[kind](path), changed)
        (change,) = difference.changes
        assert (change.muscle, change.group, change.sides) == ("EIP", "peak force", (Side.RIGHT,))
    assert diff(path, spec).as_json()["changes"] == diff(str(path), changed).as_json()["changes"]


def test_a_diff_prints_what_the_command_prints(path, capsys, tmp_path):
    difference = diff("myohand", path, side="right")
    assert main(["diff", "myohand", str(path), "--side", "right"]) == 0
    printed = [
        line.rstrip().removesuffix(" (--all)") for line in capsys.readouterr().out.splitlines()
    ]
    assert str(difference).splitlines() == printed
    assert main(["diff", "myohand", str(path), "--side", "right", "--all"]) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert difference.to_text(shown=None).splitlines() == printed
    difference.save_figure(tmp_path / "changes.svg")
    assert (tmp_path / "changes.svg").read_text("utf-8").startswith("<?xml")
    html = difference._repr_html_()
    assert "APB" in html
    assert "more</summary>" in html
    same = diff(path, path)
    assert str(same).endswith("no difference")
    assert "no difference" in same._repr_html_()


def test_a_naming_is_used_for_the_models_it_fits(path, tmp_path):
    naming = tmp_path / "naming.json"
    naming.write_text("[]")
    with pytest.raises(ModelError, match=r"naming\.json"):
        diff(path, path, naming=naming)
    with pytest.raises(ModelError, match=r"naming\.json"):
        validate(path, naming=naming)
