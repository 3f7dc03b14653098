import os
from pathlib import Path

import pytest

from musclehand.core.errors import ScoreError
from musclehand.music.formats.midi import write_midi
from musclehand.music.formats.pig import write_pig
from musclehand.music.formats.reading import MAX_FILE_BYTES, READERS, read_score
from musclehand.music.score import Hand, Note, Score
from support.scripts import load

SCORE = Score((Note(0, 60, 1, 64, Hand.RIGHT), Note(1, 48, 2, 64, Hand.LEFT)))


def test_every_format_is_found_by_content(tmp_path: Path):
    for suffix, data in load("fuzz_scores").make_seeds():
        for extension in (suffix, suffix.upper()):
            path = tmp_path / f"score{extension}"
            path.write_bytes(data)
            assert len(read_score(path)) > 5


def test_content_beats_the_name(tmp_path: Path):
    write_midi(SCORE, tmp_path / "midi.txt")
    write_pig(SCORE, tmp_path / "fingered.pig")
    assert (
        read_score(tmp_path / "midi.txt").notes == read_score(str(tmp_path / "fingered.pig")).notes
    )


def test_what_is_not_a_readable_file(tmp_path: Path):
    (tmp_path / "empty.mid").touch()
    (tmp_path / "song.xyz").write_text("la la la")
    (tmp_path / "text.mid").write_text("la la la")
    os.mkfifo(tmp_path / "pipe.mid")
    with open(tmp_path / "huge.mid", "wb") as huge:
        huge.truncate(MAX_FILE_BYTES + 1)
    for name, says in [
        ("missing.mid", "no such file"),
        (".", "is a folder"),
        ("empty.mid", "is empty"),
        ("song.xyz", "known are .mid"),
        ("text.mid", "not a MIDI file"),
        ("pipe.mid", "not a regular file"),
        ("huge.mid", "a score file may have"),
        ("nul\0.mid", "cannot be read"),
    ]:
        with pytest.raises(ScoreError, match=says) as caught:
            read_score(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_permission_denied(tmp_path: Path):
    path = tmp_path / "secret.mid"
    path.touch(mode=0)
    with pytest.raises(ScoreError, match="permission denied"):
        read_score(path)


def test_every_reader_refuses_noise(tmp_path: Path):
    for extension, reader in READERS.items():
        path = tmp_path / f"noise{extension}"
        path.write_bytes(bytes(range(256)) * 4)
        with pytest.raises(ScoreError):
            reader(path)


def test_damaged_files_never_do_anything_else(tmp_path: Path):
    fuzz = load("fuzz_scores")
    report = fuzz.fuzz(fuzz.Config(count=1500, seed=7, out=tmp_path / "offending"), progress=False)
    assert report.offending == []
    assert sum(report.outcomes.values()) == 1500
    assert {name.split()[1] for name in report.outcomes} == {"read", "refused"}
    assert not (tmp_path / "offending").exists()
