"""Stages resume: they are done again only where inputs or files have changed."""

from pathlib import Path

import pytest

from musclehand.watch.stages import STAGES_FILE, Stages


class Counter:
    """A stage that writes one file and counts how often."""

    def __init__(self, folder: Path, text: str = "content") -> None:
        self.folder = folder
        self.text = text
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        (self.folder / "a.txt").write_text(self.text, encoding="utf-8")


def run(folder: Path, counter: Counter, **inputs: object) -> bool:
    return Stages(folder).run("first", counter, inputs=inputs, files=["a.txt"])


def test_a_finished_stage_is_not_done_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert run(tmp_path, counter, rate=30)
    assert not run(tmp_path, counter, rate=30)
    assert counter.count == 1


def test_a_stage_is_done_again_with_new_inputs(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    run(tmp_path, counter, rate=30)
    assert run(tmp_path, counter, rate=60)


@pytest.mark.parametrize("damage", ["remove", "change", "list"])
def test_a_stage_is_done_again_when_its_files_are_damaged(tmp_path: Path, damage: str) -> None:
    counter = Counter(tmp_path)
    run(tmp_path, counter)
    if damage == "remove":
        (tmp_path / "a.txt").unlink()
    elif damage == "change":
        (tmp_path / "a.txt").write_text("else", encoding="utf-8")
    else:
        (tmp_path / STAGES_FILE).write_text("{", encoding="utf-8")
    assert run(tmp_path, counter)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "content"


def test_a_stage_that_fails_is_not_finished(tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        Stages(tmp_path).run("first", fail, inputs={}, files=["a.txt"])
    counter = Counter(tmp_path)
    assert run(tmp_path, counter)


def test_hashes_of_stages_are_inputs_of_later_ones(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    stages.run("first", Counter(tmp_path), inputs={}, files=["a.txt"])
    before = stages.hashes("first")
    stages.run("first", Counter(tmp_path, "new"), inputs={"new": 1}, files=["a.txt"])
    assert list(before) == ["first/a.txt"]
    assert stages.hashes("first") != before
