"""What the experiments share: results pages, results on file, the command line of a page."""

import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from support.paths import EXPERIMENTS, ROOT
from support.scripts import load

sys.path.insert(0, str(EXPERIMENTS))

from harness.kept_results import keep_results
from harness.results_page import (
    cells_table,
    markdown_table,
    replace_marked,
    write_figure,
    write_results_page,
)
from harness.script import command_of, run_script


@pytest.fixture(scope="module")
def reproduce():
    yield load("reproduce")
    del sys.modules["reproduce"]


def test_a_page_has_title_command_and_body_and_is_written_whole(tmp_path):
    for body in ("first\n", "second\n\n| a |\n"):
        path = write_results_page("hands", "Hands", "python x.py --results", body, folder=tmp_path)
        start = "# Hands\n\nCommand: `python x.py --results`\n\n"
        assert path.read_text() == f"{start}{body.strip()}\n"
    assert path == tmp_path / "hands.md"


def test_a_picture_takes_the_place_of_the_one_of_its_name(tmp_path):
    shown = tmp_path / "docs"
    picture = tmp_path / "picture.png"
    shown.mkdir()
    (shown / "hands.png").write_bytes(b"old")
    picture.write_bytes(b"\x89PNG new")
    write_figure(picture, "hands.png", folder=shown)
    assert (shown / "hands.png").read_bytes() == picture.read_bytes()
    with pytest.raises(InvalidValue, match=r"hands\.png"):
        write_figure(picture, "feet.png", folder=shown)


def test_text_between_marks_is_replaced(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- files -->\nold\n<!-- files -->\nafter\n")
    for table in ("| new |", "| newer |"):
        replace_marked(path, "files", table)
        assert path.read_text() == f"before\n<!-- files -->\n{table}\n<!-- files -->\nafter\n"
    with pytest.raises(InvalidValue, match="another"):
        replace_marked(path, "another", "")


def test_tables_are_markdown():
    table = "| name | size |\n| --- | --- |\n| a | 1.0 |\n| b | 2.0 |"
    assert markdown_table(["name", "size"], [["a", "1.0"], ["b", "2.0"]]) == table
    assert cells_table("name", [("size", "{:.1f}".format)], {"a": 1.0, "b": 2.0}) == table


def test_what_is_on_file_is_read_and_the_rest_is_computed(tmp_path):
    paths = {(2.0,): tmp_path / "two.json", (3.0,): tmp_path / "three.json"}
    paths[2.0,].write_text("-1")
    results = keep_results(paths, math.pow, 3.0, workers=1, description="works")
    assert results == {(2.0,): -1, (3.0,): 27.0}
    assert json.loads(paths[3.0,].read_text()) == 27.0


def test_a_job_that_fails_leaves_no_file(tmp_path):
    jobs = {(-1.0,): tmp_path / "root.json"}
    with pytest.raises(ValueError, match="math domain"):
        keep_results(jobs, math.sqrt, workers=1, description="works")
    assert not list(tmp_path.iterdir())


@dataclass(frozen=True)
class Args:
    """Arguments of an experiment."""

    corpus: "tyro.conf.Positional[Path]"  # noqa: F821
    """Folder."""

    pieces: tuple[str, ...] = ("a",)
    """Names."""

    teacher: bool = True
    """Judge it."""

    peer: bool = False
    """Also that."""

    music: Path | None = None
    """File."""

    out: Path = Path("runs")
    """Folder."""

    workers: int = 3
    """Processes."""

    results: bool = False
    """Write the page."""


def test_a_page_names_the_command_that_makes_it_again():
    start = "python experiments/bench_x.py corpus"
    script = "/somewhere/experiments/bench_x.py"
    assert command_of(script, Args(Path("corpus"))) == f"{start} --results"
    args = Args(Path("corpus"), ("a b", "c"), False, True, Path("/x/hand.xml"), Path("o"), 1, True)
    options = "--pieces 'a b' c --no-teacher --peer --music hand.xml --results"
    assert command_of(script, args) == f"{start} {options}"


@dataclass(frozen=True)
class Simple:
    """Arguments of an experiment."""

    results: bool = False
    """Write the page."""


def test_an_old_option_works_and_errors_are_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench_x.py", "--readme"])
    given = []
    run_script(given.append, Simple, "An experiment.")
    assert given == [Simple(results=True)]
    assert "bench_x.py: warning: --readme is called --results now" in capsys.readouterr().err

    def fail(args):
        raise MusclehandError("it cannot be")

    with pytest.raises(SystemExit, match="it cannot be"):
        run_script(fail, Simple, "An experiment.")


def test_every_results_page_has_a_command_that_is_there(reproduce):
    pages = {path.stem for path in (ROOT / "docs" / "results").glob("*.md")} - {"index"}
    for page in pages:
        text = (ROOT / "docs" / "results" / f"{page}.md").read_text(encoding="utf-8")
        (command,) = re.findall(r"^Command: `([^`]+)`", text, flags=re.MULTILINE)
        program, *words = command.split()
        assert program == "musclehand" or (ROOT / words[0]).is_file(), command
        if program == "python" and words[0].startswith("experiments/"):
            assert page in reproduce.PAGES or page == "peer"


def test_pages_are_made_by_scripts_that_are_there(reproduce, tmp_path):
    for train in (False, True):
        args = reproduce.Args(
            corpus=tmp_path, train=train, emg=tmp_path, scores=(tmp_path,), literature=tmp_path
        )
        commands = list(reproduce.commands(args))
        assert len(commands) == 1 + len(reproduce.COMMANDS) + train * len(reproduce.TRAININGS)
        for command in commands[1 + train * len(reproduce.TRAININGS) :]:
            assert Path(command[1]).is_file()
            assert command[-1] == "--results"
        assert not any("{" in word for command in commands for word in command)
    args = reproduce.Args(only=("hands",), music=tmp_path / "m.xml")
    (command,) = reproduce.commands(args)
    assert command[-3:] == ["--music", str(tmp_path / "m.xml"), "--results"]
    with pytest.raises(UnknownName):
        list(reproduce.commands(reproduce.Args(only=("no such",))))
