"""A page that needs nothing else and a JSON file that says the same, whatever names a model has."""

import base64
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musclehand
from musclehand.body.naming import own_naming
from musclehand.core.errors import OutputError
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict
from musclehand.validation.report.page import SHOWN, build_page
from musclehand.validation.report.panels import draw_panel
from musclehand.validation.report.write import PAGE, TABLE, as_json, write_json, write_report
from musclehand.validation.suite import Examination, Result

VOID = {"meta", "img", "link", "br"}
PRINTED = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=30
)


class Reader(HTMLParser):
    """Collects text and attributes, and insists that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.text = []
        self.links = []
        self.ids = []
        self.pictures = []
        self.tags = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []
        self.pictures += [named["src"]] if "src" in named else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def ours(right_hand):
    return Specimen("ours", *right_hand, own_naming())


PANELS = (
    Panel(
        "bars",
        "",
        "N",
        "bars",
        (Series("", np.arange(3.0), np.array([1.0, np.nan, 2.0])),),
        ("a", "b", "c"),
        1.5,
    ),
    Panel(
        "points $",
        "x",
        "y_$",
        "points",
        (Series("p", np.arange(2.0), np.ones(2), np.full(2, 0.2)),),
        ("u", "v"),
    ),
    Panel(
        "lines",
        "deg",
        "mm",
        "line",
        tuple(Series(f"s{i}", np.arange(4.0), np.arange(4.0) * i) for i in range(9)),
    ),
)


def examination(specimen, *findings, code="V{:02d}"):
    results = tuple(
        Result(
            Check(
                code.format(number), f"title {number}", "Is it?", "at most 1", "Somebody 1999", None
            ),
            finding,
            0.1,
        )
        for number, finding in enumerate(findings, 1)
    )
    return Examination(specimen, results)


def findings():
    return (
        Finding(Verdict.PASS, "all well", 1.0, (), PANELS),
        Finding(
            Verdict.FAIL,
            "much wrong",
            2.5,
            tuple(f"part {i}: wrong by {i}" for i in range(SHOWN + 3)),
        ),
        Finding(Verdict.WARN, "odd", math.nan, ("no colon here",)),
        Finding(Verdict.SKIP, "not asked"),
    )


def test_json_says_everything_and_only_what_json_can(ours, tmp_path):
    path = tmp_path / "out.json"
    write_json([examination(ours, *findings())], path)
    written = json.loads(path.read_text("utf-8"), parse_constant=lambda word: pytest.fail(word))
    assert (written["schema"], written["musclehand"]) == (1, musclehand.__version__)
    assert written["mujoco"] == mujoco.__version__
    (model,) = written["models"]
    assert (model["name"], model["source"], model["side"], model["passed"]) == (
        "ours right",
        "ours",
        "right",
        False,
    )
    assert [check["verdict"] for check in model["checks"]] == ["pass", "fail", "warn", "skip"]
    assert [check["value"] for check in model["checks"]] == [1.0, 2.5, None, None]
    assert len(model["checks"][1]["offenders"]) == SHOWN + 3
    assert set(model["checks"][0]) == {
        *(
            "code",
            "title",
            "asks",
            "threshold",
            "source",
            "verdict",
            "summary",
            "value",
            "offenders",
            "seconds",
        )
    }


def test_the_page_holds_everything_and_needs_nothing(ours):
    reader = read(
        build_page([examination(ours, *findings()), examination(ours, *findings()[::-1])])
    )
    text = "".join(reader.text)
    for words in (
        "Is it?",
        "at most 1",
        "Somebody 1999",
        "much wrong",
        "wrong by 14",
        "no colon here",
        "3 more",
    ):
        assert words in text
    assert all(link.startswith("#") for link in reader.links)
    assert {link[1:] for link in reader.links} == set(reader.ids) == {"V01", "V02", "V03", "V04"}
    assert not reader.tags & {"script", "link", "iframe", "object"}
    assert len(reader.pictures) == 2 * len(PANELS)
    assert all(picture.startswith("data:image/svg+xml;base64,") for picture in reader.pictures)
    style = re.search(r"<style>(.*?)</style>", build_page([examination(ours)]), re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.kind)
def test_a_figure_is_a_picture_by_itself(panel):
    head, _, body = draw_panel(panel).partition(",")
    assert head == "data:image/svg+xml;base64"
    svg = base64.b64decode(body)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert b"<image" not in svg
    assert draw_panel(panel) == draw_panel(panel)


@settings(max_examples=40)
@given(summary=PRINTED, offender=PRINTED, source=PRINTED)
def test_any_text_arrives_as_it_is(ours, summary, offender, source):
    specimen = Specimen(source, ours.model, ours.hand, ours.naming)
    examined = examination(specimen, Finding(Verdict.FAIL, summary, None, (offender,)))
    reader = read(build_page([examined]))
    assert summary in reader.text
    assert f"{source} right" in reader.text
    part, _, words = offender.partition(": ")
    assert part in reader.text
    assert not words or words in reader.text
    assert not reader.tags & {"script", "a" * 9}
    assert (
        json.loads(json.dumps(as_json([examined])))["models"][0]["checks"][0]["summary"] == summary
    )


def test_markup_in_names_stays_text(ours):
    specimen = Specimen("<script>alert(1)</script>", ours.model, ours.hand, ours.naming)
    page = build_page(
        [examination(specimen, Finding(Verdict.FAIL, "<b>", None, ('"><img src=x>: &amp;',)))]
    )
    reader = read(page)
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert "&amp;" in reader.text


def test_a_folder_gets_both_files_and_no_leftovers(ours, tmp_path):
    folder = tmp_path / "deep" / "report"
    for _ in range(2):
        page, table = write_report([examination(ours, *findings())], folder)
        assert sorted(path.name for path in folder.iterdir()) == sorted((PAGE, TABLE))
    assert (page, table) == (folder / PAGE, folder / TABLE)
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert page.stat().st_mode & 0o044 == table.stat().st_mode & 0o044


def test_what_cannot_be_written_is_named_and_nothing_is_left(ours, tmp_path):
    examined = [examination(ours, *findings())]
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        write_report(examined, tmp_path / "file")
    (tmp_path / "taken.json").mkdir()
    (tmp_path / "taken.json" / "inside").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*taken\.json"):
        write_json(examined, tmp_path / "taken.json")
    with pytest.raises(OutputError, match=r"cannot write .*nowhere"):
        write_json(examined, tmp_path / "nowhere" / "out.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken.json"]
    assert (tmp_path / "file").read_text() == "kept"
