"""What is written: complete, readable back, self-contained and honest about noise."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from musclehand.core.errors import OutputError
from musclehand.emg.comparison.compare import compare_envelopes
from musclehand.emg.comparison.result import CompareConfig
from musclehand.emg.processing.envelope import Envelopes
from musclehand.emg.report.methods import describe_methods
from musclehand.emg.report.write import PAGE, as_csv, summarise, write_comparison
from support.synthetic_comparison import CONFIG, QUICK, RATE, recorded_and_simulated


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    recorded, simulated, events = recorded_and_simulated(0)
    recorded = recorded.select(recorded.names[:5])
    simulated = simulated.select(simulated.names[:4])
    config = CompareConfig(draws=40, resamples=200, synergies=2)
    comparison = compare_envelopes(
        simulated, recorded, events, config, {"same person": [(recorded, events)]}
    )
    folder = tmp_path_factory.mktemp("report") / "new"
    files = write_comparison(comparison, folder, title="<Ode> & joy", events=events)
    return comparison, folder, files


def test_every_figure_has_its_numbers(written):
    comparison, folder, files = written
    names = {file.name for file in files}
    drawn = {name.removesuffix(".svg") for name in names if name.endswith(".svg")}
    assert drawn == {
        "curves",
        "events",
        "lags",
        "raster",
        "channels",
        "shift",
        "movements",
        "synergies",
    }
    assert {f"{name}.csv" for name in drawn} <= names
    with (folder / "channels.csv").open() as file:
        rows = list(csv.reader(file))
    matrix = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])
    np.testing.assert_allclose(matrix, comparison.shares, rtol=1e-5)
    with (folder / "muscles.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["muscle"] for row in table] == [*comparison.curves.names, "all"]
    assert float(table[0]["r"]) == pytest.approx(comparison.muscles[0].scores["r"], rel=1e-5)
    assert json.loads((folder / "comparison.json").read_text())["schema"] == 1


def test_the_page_needs_nothing_else_and_is_small(written):
    _, folder, files = written
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert files[0].name == PAGE
    assert len(page) < 2_000_000
    assert "&lt;Ode&gt; &amp; joy" in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert "<script" not in page
    assert "url(" not in page


def test_methods_say_what_was_done(written):
    comparison, _, _ = written
    text = " ".join(describe_methods(comparison))
    for words in (
        "20 to 450 Hz",
        "low-pass filtered at 6 Hz",
        "99th percentile",
        "0 to 150 ms",
        "Holm",
        "seed 0",
    ):
        assert words in text
    assert "the same low-pass" in text


def test_the_summary_does_not_praise_noise(written):
    assert "better than wrong muscles" in summarise(written[0])
    rng = np.random.default_rng(1)
    names = tuple("abcd")
    noise = [
        Envelopes(rng.uniform(size=(1000, 4)), RATE, names, CONFIG, np.ones(4)) for _ in range(2)
    ]
    text = summarise(compare_envelopes(*noise, (), QUICK))
    assert "no better than wrong muscles" in text
    assert "0 of 4 muscles" in text


def test_what_cannot_be_written_is_told(written, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OutputError, match="file"):
        write_comparison(written[0], Path(blocked) / "sub", title="x")


def test_no_number_is_nothing_in_a_table():
    assert as_csv(["a", "b"], [["x,y", float("nan")], ["z", 1 / 3]]) == 'a,b\n"x,y",\nz,0.333333\n'
