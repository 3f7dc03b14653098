"""Results that are on file are not worked out again."""

import json
import math
import sys

import pytest

from support.scripts import load


@pytest.fixture(scope="module")
def keep_results():
    names = ("kept_results",)
    yield [load(name) for name in names][-1].keep_results
    for name in names:
        sys.modules.pop(name, None)


def test_what_is_on_file_is_read_and_the_rest_is_worked_out(keep_results, tmp_path):
    paths = {(2.0,): tmp_path / "two.json", (3.0,): tmp_path / "three.json"}
    paths[2.0,].write_text("-1")
    told = keep_results(paths, math.pow, 3.0, workers=1, doing="works")
    assert told == {(2.0,): -1, (3.0,): 27.0}
    assert json.loads(paths[3.0,].read_text()) == 27.0


def test_one_that_fails_leaves_no_file(keep_results, tmp_path):
    with pytest.raises(ValueError, match="math domain"):
        keep_results({(-1.0,): tmp_path / "root.json"}, math.sqrt, workers=1, doing="works")
    assert not list(tmp_path.iterdir())
