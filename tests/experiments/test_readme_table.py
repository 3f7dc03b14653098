"""Tables of the README: put in their place, and every one has a command that makes it again."""

import re
import sys
from pathlib import Path

import pytest

from musclehand.core.errors import InvalidValue, UnknownName
from support.paths import ROOT
from support.scripts import load


@pytest.fixture(scope="module")
def modules():
    yield load("readme_table"), load("reproduce")
    for name in ("readme_table", "reproduce"):
        del sys.modules[name]


def test_a_table_takes_the_place_of_the_one_before(modules, tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- a table -->\nold\n<!-- a table -->\nafter\n")
    for table in ("| new |", "| newer |"):
        modules[0].put_table("a table", table, path=path)
        assert path.read_text() == f"before\n<!-- a table -->\n{table}\n<!-- a table -->\nafter\n"
    with pytest.raises(InvalidValue, match="another"):
        modules[0].put_table("another", "", path=path)


def test_a_picture_takes_the_place_of_the_one_of_its_name(modules, tmp_path):
    shown = tmp_path / "docs"
    made = tmp_path / "made.png"
    shown.mkdir()
    (shown / "hands.png").write_bytes(b"old")
    made.write_bytes(b"\x89PNG new")
    modules[0].put_figure(made, "hands.png", folder=shown)
    assert (shown / "hands.png").read_bytes() == made.read_bytes()
    with pytest.raises(InvalidValue, match=r"hands\.png"):
        modules[0].put_figure(made, "feet.png", folder=shown)


def test_every_table_has_a_command(modules, tmp_path):
    reproduce = modules[1]
    marks = set(
        re.findall(r"<!-- (\w+) table -->", (ROOT / "README.md").read_text(encoding="utf-8"))
    )
    # The peer's stands beside the repertoire's, the import table is written by hand.
    assert marks - {"peer", "import"} == reproduce.TABLES.keys()
    for train in (False, True):
        commands = list(reproduce.commands(reproduce.Args(corpus=tmp_path, train=train)))
        assert len(commands) == 1 + len(reproduce.MADE) + train * len(reproduce.TRAINING)
        for command in commands[1:]:
            assert Path(command[1]).is_file()
            assert not any("{" in word for word in command)
    music = [
        command[-3:]
        for command in reproduce.commands(reproduce.Args(only=("hands",), music=tmp_path / "m.xml"))
    ]
    assert music == [["--music", str(tmp_path / "m.xml"), "--readme"]]
    with pytest.raises(UnknownName):
        reproduce.main(reproduce.Args(only=("no such",), list=True))
