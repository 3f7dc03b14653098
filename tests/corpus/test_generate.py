"""The corpus generator: the same bytes whoever makes them, whenever it is killed; jobs that
fail; foreign folders."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.corpus.generate import generate_corpus
from musclehand.corpus.plan import CorpusPlan
from musclehand.motion.dataset import INDEX, CorpusError, open_corpus
from support.corpus_stub import JOB_HOURS, PLAN, stub
from support.paths import TESTS


def files_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name != ".lock"}


@pytest.fixture(scope="module")
def expected_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    generate_corpus(folder, PLAN, workers=1, run_job=stub)
    return files_of(folder)


def test_a_plan_has_jobs_for_its_hours():
    assert [job.number for job in PLAN.jobs()] == list(range(8))
    assert len(CorpusPlan(hours=1e-6).jobs()) == 1
    for wrong in ({"hours": 0.0}, {"hours": float("nan")}, {"seed": -1}):
        with pytest.raises(InvalidValue):
            CorpusPlan(**wrong)


def test_two_processes_make_the_same_bytes_as_one(expected_files, tmp_path):
    done = []
    index = generate_corpus(
        tmp_path, PLAN, workers=2, run_job=stub, progress=lambda *now: done.append(now)
    )
    assert files_of(tmp_path) == expected_files
    assert set(expected_files) == {INDEX, *(f"shard_{n:05d}.h5" for n in range(8))}
    assert index.complete
    assert done[-1][0] == pytest.approx(done[-1][1])
    corpus = open_corpus(tmp_path)
    corpus.verify()
    assert corpus.index.shards["shard_00003.h5"].failures == ("3 fell over",)
    assert len(list(corpus.clips())) == 16


def test_finished_shards_are_kept_and_damaged_ones_made_again(expected_files, tmp_path):
    generate_corpus(tmp_path, PLAN, workers=1, run_job=stub)
    (tmp_path / "shard_00002.h5").unlink()
    (tmp_path / "shard_00004.h5").write_bytes(b"something else")
    (tmp_path / ".shard_00006.h5.77.part").write_bytes(b"half")
    finished = []

    def noted(job):
        finished.append(job.number)
        return stub(job)

    generate_corpus(tmp_path, PLAN, workers=1, run_job=noted)
    assert finished == [2, 4]
    assert files_of(tmp_path) == expected_files


def test_more_hours_continue_and_others_are_refused(expected_files, tmp_path):
    generate_corpus(tmp_path, CorpusPlan(hours=3 * JOB_HOURS, seed=5), workers=1, run_job=stub)
    assert len(open_corpus(tmp_path).index.shards) == 3
    generate_corpus(tmp_path, PLAN, workers=1, run_job=stub)
    assert files_of(tmp_path) == expected_files
    with pytest.raises(CorpusError, match="seed 5 instead of 6"):
        generate_corpus(tmp_path, CorpusPlan(hours=PLAN.hours, seed=6), run_job=stub)
    with pytest.raises(CorpusError, match="ask for as many or more"):
        generate_corpus(tmp_path, CorpusPlan(hours=JOB_HOURS, seed=5), run_job=stub)
    assert files_of(tmp_path) == expected_files


def test_what_is_wrong_is_told_before_work_begins(tmp_path):
    with pytest.raises(InvalidValue, match="workers"):
        generate_corpus(tmp_path, PLAN, workers=0, run_job=stub)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        generate_corpus(tmp_path / "file", PLAN, run_job=stub)
    (tmp_path / INDEX).write_text("{}")
    with pytest.raises(CorpusError, match="not an index"):
        generate_corpus(tmp_path, PLAN, run_job=stub)


def test_an_interruption_leaves_whole_shards(expected_files, tmp_path):
    def interrupted(job):
        if job.number == 5:
            raise KeyboardInterrupt
        return stub(job)

    with pytest.raises(KeyboardInterrupt):
        generate_corpus(tmp_path, PLAN, workers=1, run_job=interrupted)
    assert not open_corpus(tmp_path).index.complete
    assert len(open_corpus(tmp_path).index.shards) == 5
    generate_corpus(tmp_path, PLAN, workers=1, run_job=stub)
    assert files_of(tmp_path) == expected_files


def start(folder, workers=2):
    code = (
        "from musclehand.corpus.generate import generate_corpus\n"
        "from support.corpus_stub import PLAN, slow_stub\n"
        f"generate_corpus({str(folder)!r}, PLAN, workers={workers}, run_job=slow_stub)\n"
        "print('done')\n"
    )
    environment = dict(os.environ, PYTHONPATH=str(TESTS))
    # A job in a shell's background is born deaf to Ctrl-C; this one is to hear it wherever the
    # tests run.
    hear = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    words = [sys.executable, "-c", code]
    return subprocess.Popen(
        words,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=hear,
    )


def test_ctrl_c_ends_all_processes_at_once(expected_files, tmp_path):
    process = start(tmp_path)
    while process.poll() is None and not (tmp_path / INDEX).exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    # The workers hold this pipe as well: it ends when they have.
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode != 0
    generate_corpus(tmp_path, PLAN, workers=1, run_job=stub)
    assert files_of(tmp_path) == expected_files


def kill_at_random(folder, expected_files, rng, tries):
    """Kills generators at random moments until one gets to its end; returns how many were
    killed."""
    killed = 0
    for _ in range(tries):
        process = start(folder)
        begun = len(list(Path(folder).glob("*shard_*")))
        while process.poll() is None and len(list(Path(folder).glob("*shard_*"))) == begun:
            time.sleep(0.005)  # libraries are being loaded
        try:
            process.communicate(timeout=float(rng.uniform(0.0, 0.6)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += 1
        # What the index lists is whole, whatever the moment.
        if (Path(folder) / INDEX).exists():
            open_corpus(folder).verify()
        if (Path(folder) / INDEX).exists() and open_corpus(folder).index.complete:
            break
    assert start(folder).communicate(timeout=120)[0].strip() == "done"
    assert files_of(folder) == expected_files
    return killed


def test_killed_generators_end_with_the_same_bytes(expected_files, tmp_path):
    rng = np.random.default_rng(1)
    assert kill_at_random(tmp_path, expected_files, rng, 2) >= 1


@pytest.mark.slow
def test_twenty_killed_generators_end_with_the_same_bytes(expected_files, tmp_path):
    rng = np.random.default_rng(0)
    killed = 0
    round_ = 0
    while killed < 20:
        (tmp_path / str(round_)).mkdir()
        killed += kill_at_random(tmp_path / str(round_), expected_files, rng, 20)
        round_ += 1
    assert killed >= 20


def test_a_second_generator_is_kept_out(tmp_path):
    pytest.importorskip("fcntl")

    def greedy(job):
        with pytest.raises(CorpusError, match="another process"):
            generate_corpus(tmp_path, PLAN, workers=1, run_job=stub)
        return stub(job)

    index = generate_corpus(
        tmp_path, CorpusPlan(hours=JOB_HOURS, seed=5), workers=1, run_job=greedy
    )
    assert len(index.shards) == 1
