"""The suite asks every check once, in order, and knows a bad model from a defect of its own."""

import numpy as np
import pytest

from musclehand.core.errors import ModelError, UnknownName
from musclehand.validation import suite
from musclehand.validation.check import Check, Finding, Specimen, Verdict
from musclehand.validation.suite import CHECKS, Examination, examine, run_checks, select_checks


def check(code, run):
    return Check(code, "title", "asks?", "threshold", "source", run)


def answer(verdict):
    return lambda specimen: Finding(verdict, "so it is")


def test_every_code_is_there_once_and_says_what_it_asks():
    codes = [check.code for check in CHECKS]
    assert codes == sorted(set(codes))
    assert codes == [f"V{number:02d}" for number in range(1, len(codes) + 1)]
    assert len(codes) >= 28
    for check in CHECKS:
        assert check.asks.endswith("?")
        assert all((check.title, check.threshold, check.source))


def test_checks_are_chosen_by_code():
    assert [check.code for check in select_checks(("v20", "V03", "V20"))] == ["V03", "V20"]
    assert select_checks() == select_checks(()) == CHECKS
    with pytest.raises(UnknownName, match="unknown check 'V99'"):
        select_checks(("V01", "V99"))


def test_results_come_in_order_and_are_announced(ours):
    announced = []
    results = run_checks(
        ours,
        ("V20", "V02", "V01"),
        lambda specimen, check: announced.append((specimen, check.code)),
    )
    assert announced == [(ours, "V01"), (ours, "V02"), (ours, "V20")]
    assert [result.check.code for result in results] == ["V01", "V02", "V20"]
    assert all(result.seconds > 0 for result in results)
    assert Examination(ours, results).passed
    assert Examination(ours, results).name == "ours right"


def test_a_model_that_a_check_cannot_use_fails_it(ours, monkeypatch):
    def unusable(specimen):
        raise ModelError("model", "has no wrist")

    monkeypatch.setattr(
        suite, "CHECKS", (check("V01", unusable), check("V02", answer(Verdict.PASS)))
    )
    (examination,) = examine([ours])
    first, second = examination.results
    assert first.finding.verdict is Verdict.FAIL
    assert first.finding.offenders == ("model: has no wrist",)
    assert second.finding.verdict is Verdict.PASS
    assert not examination.passed


def test_a_defect_of_ours_is_raised(ours, monkeypatch):
    monkeypatch.setattr(
        suite, "CHECKS", (check("V01", lambda specimen: np.zeros(2) @ np.zeros(3)),)
    )
    with pytest.raises(ValueError, match="matmul"):
        run_checks(ours)


@pytest.mark.parametrize(
    ("verdicts", "passed"),
    [
        ((Verdict.PASS, Verdict.WARN, Verdict.SKIP), True),
        ((Verdict.PASS, Verdict.FAIL), False),
        ((), True),
    ],
)
def test_only_a_failure_fails(ours, monkeypatch, verdicts, passed):
    checks = tuple(
        check(f"V{number:02d}", answer(verdict)) for number, verdict in enumerate(verdicts)
    )
    monkeypatch.setattr(suite, "CHECKS", checks)
    assert examine([ours])[0].passed is passed


def test_left_and_right_of_one_source_are_compared(ours, other_side):
    alone = examine([ours], ["V21"])
    pair = examine([ours, other_side], ["V21"])
    assert alone[0].results[0].finding.verdict is Verdict.SKIP
    assert [hand.results[0].finding.verdict for hand in pair] == [Verdict.PASS, Verdict.PASS]
    assert [hand.name for hand in pair] == ["ours right", "ours left"]
    stranger = Specimen("other", other_side.model, other_side.hand, other_side.naming)
    assert examine([ours, stranger], ["V21"])[0].results[0].finding.verdict is Verdict.SKIP
