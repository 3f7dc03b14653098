"""Every example runs as it stands there, is short, and has a title for the gallery."""

import ast
import os
import subprocess
import sys

import pytest

from support.paths import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SLOW = {"plot_9_train_policy.py"}
MOST_LINES = 40


def test_there_are_five_to_ten():
    assert 5 <= len(EXAMPLES) <= 10
    assert {path.name for path in EXAMPLES} >= SLOW


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short_and_has_a_title_and_a_sentence(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    title, line, *rest = ast.get_docstring(ast.parse(text)).splitlines()
    assert line == "=" * len(title)
    assert " ".join(rest).strip().endswith((".", "?"))


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=[pytest.mark.slow] * (p.name in SLOW), id=p.stem) for p in EXAMPLES],
)
def test_it_runs(path, tmp_path):
    process = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", str(path)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    assert list(tmp_path.iterdir()) == [], "an example leaves nothing behind"
