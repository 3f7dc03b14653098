"""`musclehand validate`: exit codes, what it prints and what it writes."""

import json
import re
from pathlib import Path

import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.cli import main
from musclehand.validation.report.write import PAGE, TABLE

QUICK = ("--checks", "V01", "V03", "V20")


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "hand.xml"
    spec = hand_spec(Side.RIGHT)
    spec.compile()
    path.write_text(spec.to_xml(), encoding="utf-8")
    return path


def run(capsys, *words):
    code = main(["validate", *map(str, words)])
    return code, *capsys.readouterr()


def test_our_hands_pass(capsys):
    code, out, err = run(capsys, "musclehand", *QUICK)
    assert (code, err) == (0, "")
    assert "musclehand right: 3 pass" in out
    assert "musclehand left: 3 pass" in out


def test_myohand_fails_and_the_offenders_are_named(capsys):
    code, out, err = run(capsys, "myohand", *QUICK)
    assert (code, err) == (1, "")
    assert "myohand right: 1 pass, 2 fail" in out
    assert "PI3 (RI5): range 42.5 to 46.3 mm" in out
    assert re.search(r"and \d+ more", out)


def test_only_the_model_itself_decides_and_the_others_stand_beside_it(capsys, tmp_path, own_file):
    folder = tmp_path / "report"
    table = tmp_path / "out.json"
    words = (
        own_file,
        "--against",
        "myohand",
        "--side",
        "right",
        "--report",
        folder,
        "--json",
        table,
        *QUICK,
    )
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert "myohand right: 1 pass, 2 fail" in out
    assert "RI5" not in out  # what is wrong is told of the model alone
    written = json.loads(table.read_text("utf-8"))
    assert written == json.loads((folder / TABLE).read_text("utf-8"))
    assert [(model["source"], model["passed"]) for model in written["models"]] == [
        (str(own_file), True),
        ("myohand", False),
    ]
    assert "RI5" in (folder / PAGE).read_text("utf-8")
    for path in (folder / PAGE, folder / TABLE, table):
        assert str(path) in out


def test_a_changed_muscle_fails(capsys, tmp_path, own_file):

    text = own_file.read_text("utf-8")
    low, high = map(
        float, re.search(r'name="FDP3_r"[^>]*lengthrange="([\d.]+) ([\d.]+)"', text).groups()
    )
    shifted = f'lengthrange="{low + 0.05} {high + 0.05}"'
    pattern = r'(name="FDP3_r"[^>]*)lengthrange="[\d. ]+"'
    path = tmp_path / "changed.xml"
    path.write_text(re.sub(pattern, rf"\1{shifted}", text), encoding="utf-8")
    code, out, _ = run(capsys, path, "--checks", "V03")
    assert code == 1
    assert "    FDP3: range" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no_such.xml",), "no_such.xml"),
        (("musclehand", "--checks", "V99"), "unknown check 'V99'"),
        (("musclehand", "--side", "up"), "side is 'up'; it must be one of left, right, both"),
        (("myohand", "--side", "left"), "has no left hand"),
        (("musclehand", "--against", "musclehand"), "compared with itself"),
        (("musclehand", "--map", "no_such.json"), "no_such.json"),
    ],
)
def test_what_is_not_usable_is_one_line(capsys, words, message):
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert err.startswith("musclehand: error: ")


def test_a_report_that_cannot_be_written_is_one_line(capsys, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = run(
        capsys, "musclehand", "--side", "right", "--checks", "V01", "--report", tmp_path / "taken"
    )
    assert code == 2
    assert err.startswith("musclehand: error: cannot write ")
    assert err.count("\n") == 1


def test_a_map_says_which_part_is_which(capsys, tmp_path, own_file):
    import musclehand.models.naming as namings

    text = Path(next(iter(namings.__path__)), "musclehand.json").read_text("utf-8")
    naming = tmp_path / "naming.json"
    naming.write_text(text.replace('"name": "musclehand"', '"name": "mine"'), encoding="utf-8")
    code, _, _ = run(
        capsys, own_file, "--map", naming, "--json", tmp_path / "out.json", "--checks", "V01"
    )
    assert code == 0
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["models"][0]["naming"] == "mine"


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["validate", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "musclehand validate my_hand.xml --against musclehand myohand --report report" in out
    assert "Exit code 0" in out
