"""The corpus commands, with a stub in the hands' place."""

from pathlib import Path

import pytest

from musclehand.cli.corpus import CorpusArgs, CorpusInfoArgs, corpus, corpus_info
from musclehand.core.errors import InvalidValue
from musclehand.corpus import record
from musclehand.motion.dataset import INDEX, CorpusError, open_corpus
from support.corpus_stub import JOB_HOURS, stub


@pytest.fixture
def corpus_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "make_shard", stub)
    corpus(CorpusArgs(tmp_path / "out", hours=4 * JOB_HOURS, seed=5, workers=1))
    return tmp_path / "out", capsys.readouterr().out


def test_a_corpus_is_made_and_told_about(corpus_run):
    folder, output = corpus_run
    assert len(open_corpus(folder).entries()) == 8
    assert "stub" in output
    assert "Left out: 3 fell over" in output
    assert "4 shards" in output


def test_info_tells_the_same_and_verifies(corpus_run, capsys):
    folder, output = corpus_run
    corpus_info(CorpusInfoArgs(folder, verify=True))
    again = capsys.readouterr().out
    assert again.splitlines()[:5] == output.splitlines()[:5]
    assert "The checksums of all 4 shards match" in again
    (folder / "shard_00001.h5").write_bytes(b"")
    corpus_info(CorpusInfoArgs(folder))
    with pytest.raises(CorpusError, match=r"shard_00001\.h5 has changed"):
        corpus_info(CorpusInfoArgs(folder, verify=True))


def test_a_corpus_that_is_not_complete_says_so(corpus_run, capsys):
    folder, _ = corpus_run
    text = (folder / INDEX).read_text()
    (folder / INDEX).write_text(text.replace('"complete": true', '"complete": false'))
    corpus_info(CorpusInfoArgs(folder))
    assert "Not complete" in capsys.readouterr().out


def test_what_is_not_usable_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="hours"):
        corpus(CorpusArgs(tmp_path, hours=0.0))
    with pytest.raises(InvalidValue, match="workers"):
        corpus(CorpusArgs(tmp_path, workers=-1))
    with pytest.raises(CorpusError, match="No such file"):
        corpus_info(CorpusInfoArgs(Path("nowhere")))
