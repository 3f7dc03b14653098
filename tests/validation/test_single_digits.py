"""A single digit gets the checks that apply; the others say why they do not."""

import pytest

from musclehand.validation.check import Verdict
from musclehand.validation.run import validate
from support.single_digit import MUSCLES, single_digit

NOT_APPLICABLE = {
    "thumb": {"V22", "V27", "V30", "V31", "V32", "V33"},
    "index": {"V30"},
}
"""Checks of moment arms, strength and behaviour that a digit alone has no parts for."""

APPLICABLE = {
    "thumb": ("V08", "V09", "V10", "V11", "V12", "V13", "V14", "V15", "V16", "V25", "V26", "V34"),
    "index": ("V08", "V11", "V12", "V13", "V14", "V22", "V26", "V27", "V31", "V32", "V33", "V34"),
}
"""Checks that a digit alone is put through."""


@pytest.fixture(scope="module", params=sorted(MUSCLES))
def digit(request):
    return request.param


@pytest.fixture(scope="module")
def findings(digit):
    codes = sorted({*NOT_APPLICABLE[digit], *APPLICABLE[digit]})
    (examination,) = validate(single_digit(digit), checks=codes).examinations
    assert examination.specimen.hand.digits == (digit,)
    return {result.check.code: result.finding for result in examination.results}


def test_checks_of_parts_that_are_there_are_answered(digit, findings):
    for code in APPLICABLE[digit]:
        assert findings[code].verdict is not Verdict.SKIP, code
        assert "cannot be answered" not in findings[code].summary, code


def test_the_others_say_why_they_do_not_apply(digit, findings):
    for code in NOT_APPLICABLE[digit]:
        assert findings[code].verdict is Verdict.SKIP, code
        assert findings[code].summary.startswith("not applicable: "), code


def test_strength_is_that_of_the_digit(digit, findings):
    for code in ("V12", "V13", "V14"):
        assert digit in findings[code].summary
        assert findings[code].verdict in (Verdict.PASS, Verdict.WARN)
