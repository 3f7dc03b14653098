"""`musclehand train`: help, errors in one line, and a small training away from the checkout."""

import json
import subprocess
import sys

import pytest

from musclehand.cli import main
from support.track_command import LABELLED
from support.tracking_clips import write_small_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_small_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize("words", [[], ["--help"], ["track", "--help"], ["piece", "--help"]])
def test_help_shows_examples(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(["train", *words])
    assert end.value.code == 0
    assert "musclehand train" in capsys.readouterr().out


def test_what_cannot_be_is_one_line_and_leaves_no_folder(corpus, tmp_path, capsys):
    out = tmp_path / "out"
    for words, problem in (
        (["trak", corpus], "track"),
        (["track", tmp_path / "none", "--out", out], "none"),
        (["track", corpus, "--out", out, "--envs", "0"], "0"),
        (["track", corpus, "--out", out, "--seeds", "1", "1"], "each only once"),
        (["track", corpus, "--out", out, "--start", tmp_path / "none.json"], "none.json"),
        (["track", corpus, "--out", out, "--start", "sight_reading"], "sight_reading.json"),
        (["latent", corpus, tmp_path / "none.json", "--out", out], "none.json"),
        (["latent", corpus, "--out", out, "--start", tmp_path / "none.json"], "none.json"),
        (["generalist", tmp_path / "none.json", "--out", out], "none.json"),
    ):
        assert main(["train", *map(str, words)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("musclehand: error: ")
        assert problem in line
    assert not out.exists()


def test_a_small_corpus_is_learnt_away_from_the_checkout(corpus, tmp_path):
    options = (
        "--out run --envs 4 --scores 0 --no-keys --dagger.iterations 2 --apg.iterations 1"
        f" --apg.steps 4 {LABELLED.format('dagger')}"
    )
    command = [sys.executable, "-m", "musclehand", "train", "track", str(corpus)]
    done = subprocess.run(
        [*command, *options.split()], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Written to run/policy/tracking.json" in done.stdout
    assert "apg 1/1: " in done.stderr
    (score,) = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert score["kind"] == "wave"
    assert (tmp_path / "run" / "policy" / "tracking.safetensors").exists()


def test_seeds_go_on_from_the_bundled_policy(corpus, tmp_path, capsys):
    options = (
        "--envs 2 --scores 0 --no-keys --start tracking --apg.iterations 1 --apg.steps 4 --seeds 3"
    )
    words = ["train", "track", str(corpus), "--out", str(tmp_path / "run"), *options.split()]
    assert main(words) == 0
    assert "done" in capsys.readouterr().out
    folder = tmp_path / "run" / "seed_3"
    assert not (folder / "dagger").exists()
    (score,) = json.loads((folder / "scores.json").read_text())
    assert score["tip_mean"] < 0.006


def test_seeds_have_folders_and_a_summary(corpus, tmp_path, capsys):
    options = (
        "--envs 2 --scores 0 --no-keys --dagger.iterations 1 --apg.iterations 0 --seeds 3 4"
        f" {LABELLED.format('dagger')}"
    )
    words = ["train", "track", str(corpus), "--out", str(tmp_path / "run"), *options.split()]
    assert main(words) == 0
    output = capsys.readouterr().out
    assert "2 seeds" in output
    assert "done" in output
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert len(summary["tip_mean"]["values"]) == 2
    assert (tmp_path / "run" / "seed_3" / "log.txt").read_text().startswith("2 clips, ")
