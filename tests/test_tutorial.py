"""The tutorial on editing a hand works as it stands there, and its commands print what it says they
print."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

from support.paths import ROOT

TUTORIAL = ROOT / "docs" / "tutorials" / "hand.md"
MARK = "<!-- journey -->"


def blocks(text):
    """Commands (bash) and output (no language) between the marks, in their order: (language,
    content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text.split(MARK)[1], flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    """The folder in which the commands ran, their output, and the output in the tutorial."""
    steps = blocks(TUTORIAL.read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("journey")
    script = "\n".join(content for language, content in steps if language == "bash")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    process = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    claims = "".join(content for language, content in steps if not language)
    return folder, process.stdout, claims


def test_the_hand_is_edited_in_two_places(journey):
    folder, _, _ = journey
    before, after = (
        (folder / name).read_text(encoding="utf-8").splitlines()
        for name in ("hand.xml", "my_hand.xml")
    )
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 2
    (site, moved), (weak, strong) = changed
    assert 'name="FDP2_m2b_r"' in site

    def numbers(line, attribute):
        return [float(word) for word in re.search(rf' {attribute}="([^"]*)"', line)[1].split()]

    old_place = numbers(site, "pos")
    new_place = numbers(moved, "pos")
    assert new_place == pytest.approx([old_place[0], old_place[1], old_place[2] - 0.002])
    assert numbers(strong, "force")[0] == pytest.approx(1.2 * numbers(weak, "force")[0], rel=1e-3)


def test_diff_says_in_words_and_a_figure_what_was_changed(journey):
    folder, output, _ = journey
    (force,) = re.findall(
        r"FDP2, flexor digitorum profundus \(index\) +([\d.]+) -> ([\d.]+) N \(\+20 %\)", output
    )
    assert float(force[1]) / float(force[0]) == pytest.approx(1.2, abs=0.01)
    assert "point FDP2_m2b moved 2.0 mm palmar, distal phalanx of the index finger" in output
    assert re.search(r"index DIP flexion: .* mm", output)
    assert imread(folder / "changes.png").std() > 0.02


def test_both_hands_are_validated(journey):
    folder, _, _ = journey
    models = json.loads((folder / "report" / "validation.json").read_text(encoding="utf-8"))[
        "models"
    ]
    assert [model["source"] for model in models] == ["my_hand.xml", "hand.xml"]
    assert models[1]["passed"]
    assert "FDP2" in (folder / "report" / "validation.html").read_text(encoding="utf-8")


def test_the_stronger_muscle_is_the_one_whose_use_changed_most(journey):
    folder, output, _ = journey
    (row,) = re.findall(r"│ FDP2 right .*", output)
    share = int(re.search(r"-0\.\d+ \((-\d+) %\)", row)[1])
    assert -30 <= share <= -10, "with a fifth more force it needs a sixth less activation"
    names = re.findall(r"│ (\w+) (?:right|left) ", output)
    assert names[0] == "FDP2"
    assert imread(folder / "use.png").std() > 0.02
    metrics = json.loads((folder / "edited" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["onset_f1_50ms"] == 1.0


def test_the_output_in_the_tutorial_is_what_comes(journey):
    """Line by line but for numbers, which differ a little between machines, and for "..."."""
    _, output, expected = journey

    def plain(line):
        return re.sub(r"[\d.]*\d", "0", re.sub(r"[\s│]+", " ", line)).strip()

    lines = [plain(line) for line in output.splitlines()]
    claims = [plain(line) for line in expected.splitlines() if line.strip() not in ("", "...")]
    assert len(claims) > 5
    for claim in claims:
        assert any(claim in line for line in lines), claim
