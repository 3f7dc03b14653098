"""`musclehand diff` on files: what it prints, writes and refuses."""

import json

import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A hand, the same one stronger, and the same one with another range of motion and muscle."""
    folder = tmp_path_factory.mktemp("hands")
    changed = hand_spec(Side.RIGHT)
    changed.joint("pm2_flexion_r").range = [0.0, 1.0]
    changed.delete(changed.actuator("EIP_r"))
    specs = {
        "hand": hand_spec(Side.RIGHT),
        "strong": hand_spec(Side.RIGHT, strength_scale=2.0),
        "changed": changed,
    }
    paths = {}
    for name, spec in specs.items():
        spec.compile()
        paths[name] = folder / f"{name}.xml"
        paths[name].write_text(spec.to_xml())
    return paths


def run(capsys, *words):
    code = main(["diff", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_no_difference_is_said_plainly(files, capsys):
    code, out, err = run(capsys, files["hand"], files["hand"])
    assert (code, err) == (0, "")
    assert out.strip().endswith("no difference")
    assert len(out.splitlines()) == 1


def test_a_word_stands_for_a_model(files, capsys):
    code, out, _ = run(capsys, "musclehand", files["hand"], "--side", "right")
    assert code == 0
    assert "no difference" in out


def test_changes_are_told_and_written(files, capsys, tmp_path):
    table = tmp_path / "changes.json"
    picture = tmp_path / "changes.png"
    code, out, _ = run(
        capsys, files["hand"], files["changed"], "--json", table, "--figure", picture
    )
    assert code == 0, "a difference is no failure"
    assert "EIP, extensor indicis" in out
    assert "flexion limit 100.0 -> 57.3 deg" in out
    assert out.index("Muscles") < out.index("Range of motion"), "what weighs most comes first"
    written = json.loads(table.read_text())
    assert not written["equal"]
    assert {change["group"] for change in written["changes"]} >= {"muscles", "range of motion"}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_long_lists_are_cut_unless_asked_for(files, capsys):
    short = run(capsys, "myohand", files["hand"])[1]
    long = run(capsys, "myohand", files["hand"], "--all")[1]
    assert "more (--all)" in short
    assert "more (--all)" not in long
    assert len(long.splitlines()) > 2 * len(short.splitlines())


def test_a_map_is_used_for_the_models_it_fits(files, capsys, tmp_path):
    from musclehand.body.naming import own_naming

    own = own_naming()
    entries = {
        "name": "mine",
        "right": "{}_r",
        "left": None,
        "joints": dict(own.joints),
        "tips": dict(own.tips),
    }
    path = tmp_path / "map.json"
    path.write_text(json.dumps({**entries, "muscles": {"FDP2": "DEEP"}}))
    code, out, _ = run(capsys, files["hand"], files["changed"], "--map", path)
    assert code == 0
    assert "EIP" in out
    path.write_text("[]")
    code, _, err = run(capsys, files["hand"], files["changed"], "--map", path)
    assert code == 2
    assert "map.json" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.xml", "musclehand"], "nothing.xml"),
        (["musclehand", "musclehand", "--side", "up"], "side"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(capsys, words, message):
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


def test_a_file_that_cannot_be_written(files, capsys, tmp_path):
    for option, name in (("--json", "x.json"), ("--figure", "x.png"), ("--figure", "x.unknown")):
        folder = tmp_path if name == "x.unknown" else tmp_path / "missing"
        code, _, err = run(capsys, files["hand"], files["strong"], option, folder / name)
        assert code == 2
        assert "cannot write" in err
