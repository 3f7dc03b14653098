"""The log of a run and its reports: rows of iterations that are computed again are replaced."""

import io
from typing import NamedTuple

from musclehand.training.reporter import TextReporter
from musclehand.training.run_log import RunLog, read_metrics
from musclehand.training.stages import metrics_of


def test_rows_are_kept_replaced_and_read_as_numbers(tmp_path):
    path = tmp_path / "metrics.csv"
    assert read_metrics(path) == []
    log = RunLog(path)
    log.begin("dagger", 3, 0)
    log.record("dagger", 0, 100, {"loss": 0.5})
    log.record("dagger", 1, 100, {"loss": 0.4, "tip_error": 0.001})
    # A run that was killed before its second checkpoint.
    log = RunLog(path)
    log.begin("dagger", 3, 1)
    log.record("dagger", 1, 100, {"loss": 0.3})
    log.begin("apg", 1, 0)
    log.record("apg", 0, 100, {"reward": -1.0})
    rows = read_metrics(path)
    assert [(row["stage"], row["iteration"]) for row in rows] == [
        ("dagger", 0),
        ("dagger", 1),
        ("apg", 0),
    ]
    assert [row.get("loss") for row in rows] == [0.5, 0.3, None]
    assert all(row["seconds"] > 0 and row["steps_s"] > 0 for row in rows)


def test_reports_are_lines_of_text(tmp_path):
    stream = io.StringIO()
    log = RunLog(tmp_path / "metrics.csv", TextReporter(stream))
    log.begin("dagger", 3, 1)
    log.record("dagger", 1, 100, {"tip_error": 0.00123})
    first, second = stream.getvalue().splitlines()
    assert first == "dagger: 1 of 3 iterations are done"
    assert second.startswith("dagger 2/3: ")
    assert second.endswith(" steps/s, fingertips 1.23 mm")


def test_lines_come_now_and_then_and_at_the_end():
    stream = io.StringIO()
    reporter = TextReporter(stream, interval=100.0)
    reporter.begin("apg", 4)
    for number in range(4):
        reporter.advance(f"step {number}")
    assert stream.getvalue().splitlines() == ["apg 1/4: step 0", "apg 4/4: step 3"]


def test_columns_are_the_numbers_that_an_algorithm_tells():
    class Progress(NamedTuple):
        iteration: int
        labels: int
        loss: float
        terms: dict[str, float] | None
        losses: dict[str, float]

    progress = Progress(3, 10, 0.5, {"tip": -1.0}, {"value": 2.0})
    assert list(metrics_of(progress).items()) == [
        ("loss", 0.5),
        ("labels", 10),
        ("tip", -1.0),
        ("loss_value", 2.0),
    ]
    assert metrics_of(progress._replace(terms=None)).keys() == {"loss", "labels", "loss_value"}
