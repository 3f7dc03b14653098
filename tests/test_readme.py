"""The README: short, with numbers that are measured, links that hold, and jobs that run as they
stand there."""

import ast
import os
import re
import subprocess
import sys

import pytest

from support.documents import code_blocks, relative_links
from support.paths import ROOT
from support.readme_files import make_files

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
FILL = ROOT / "docs" / "fill_readme.py"


def test_it_is_short_and_narrow():
    lines = TEXT.splitlines()
    assert 150 <= len(lines) <= 200
    assert max(map(len, lines)) <= 100


def test_its_numbers_are_those_of_the_results_pages_and_of_the_code():
    subprocess.run([sys.executable, str(FILL), "--check"], check=True, timeout=120)


def test_no_result_is_typed_by_hand():
    marked = re.sub(r"<!-- (result|count): .*?<!-- /\1 -->", "", TEXT, flags=re.DOTALL)
    section = marked.split("## Headline results")[1].split("##")[0]
    assert re.findall(r"\d+\.\d+(?!\.)", section.replace("0.2.3", "")) == []
    assert TEXT.count("<!-- result: ") >= 16


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_relative_links_hold(name):
    path = ROOT / name
    broken = [link for link in relative_links(path) if not (path.parent / link).exists()]
    assert broken == []


def test_the_install_and_test_command_stands_where_the_checks_look_for_it():
    block = TEXT.split("<!-- test command -->")[1]
    assert code_blocks(block, "bash")[0] == (
        'pip install -c constraints.txt -e ".[test]" && pytest\n'
    )


def test_every_name_of_the_front_door_that_it_uses_is_there():
    import musclehand

    for block in code_blocks(TEXT, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("mh."):
                value = musclehand
                for name in ast.unparse(node).split(".")[1:]:
                    assert hasattr(value, name), ast.unparse(node)
                    value = getattr(value, name)


SMALL = """
from musclehand.learning.apg import ApgConfig
from musclehand.learning.dagger import DaggerConfig
small = mh.training.TrackConfig(
    envs=8,
    keys=False,
    dagger=DaggerConfig(iterations=1, steps=50, updates=20),
    apg=ApgConfig(iterations=1),
)
"""


@pytest.mark.slow
def test_the_python_jobs_run_as_they_stand_there(tmp_path):
    """All but the length of the training, which is cut short."""
    make_files(tmp_path)
    first, *others = code_blocks(TEXT, "python")
    script = "\n".join((first.replace("import musclehand as mh\n", IMPORT), *others))
    training = 'mh.training.track("corpus", out="runs/track")'
    assert training in script
    script = script.replace(training, training.replace(")", ", config=small)"))
    process = subprocess.run(
        [sys.executable, "-c", f"{script}\nplan.save('plan.json')"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=900,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    assert "FDP2" in process.stdout
    for name in (
        "song/metrics.json",
        "report/validation.html",
        "compared/comparison.html",
        "runs/track/policy/tracking.json",
        "plan.json",
    ):
        assert (tmp_path / name).stat().st_size > 100, name


IMPORT = f"import musclehand as mh\n{SMALL}"
