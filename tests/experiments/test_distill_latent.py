"""Judging a latent space: clip by clip, the worst first, and what is drawn from the prior."""

import csv
import json
import sys
from functools import partial

import pytest

from musclehand.core.errors import InvalidValue
from musclehand.motion.dataset import open_corpus
from support.scripts import load
from support.tracking_clips import write_small_corpus

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def distil():
    names = (
        "scale_out",
        "readme_table",
        "eval_tracking",
        "track_hand",
        "distill_latent",
    )
    yield [load(name) for name in names][-1]
    for name in names:
        sys.modules.pop(name, None)


def test_the_space_that_comes_along_is_judged(distil, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(distil, "draw_at_random", partial(distil.draw_at_random, seconds=0.1))
    (tmp_path / "corpus").mkdir()
    corpus = write_small_corpus(tmp_path / "corpus")
    distil.main(distil.Args(corpus, out=tmp_path / "out", shipped=True, clips=5))
    folder = tmp_path / "out" / "shipped"
    told = json.loads((folder / "latent.json").read_text())
    with open(folder / "sequences.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # The corpus holds out one clip.
    assert [row["kind"] for row in rows] == ["wave"]
    assert told["ratio"] == pytest.approx(float(rows[0]["latent_mm"]) / float(rows[0]["policy_mm"]))
    assert told["survived"] == 1.0
    assert 0.0 < told["policy_mm"] < 5.0
    assert told["prior_within_limits"] > 0.99
    assert "ratio" in capsys.readouterr().out
    table = distil.sequence_table(folder / "sequences.csv").splitlines()
    assert len(table) == 3
    assert table[2].startswith(f"| wave {rows[0]['name']} | 1.6 |")


def test_clips_to_judge_by_are_drawn_and_there_have_to_be_some(distil, tmp_path):
    (tmp_path / "corpus").mkdir()
    corpus = open_corpus(write_small_corpus(tmp_path / "corpus"))
    assert [clip.name for clip in distil.held_out(corpus, 3)] == [
        clip.name for clip in corpus.clips("test")
    ]
    with pytest.raises(InvalidValue, match="clips"):
        distil.held_out(corpus, 0)
