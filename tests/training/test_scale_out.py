"""Trainings with several seeds: what they leave, how far they are, and their summary."""

import json
from pathlib import Path

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.training.scale_out import (
    SeedJob,
    read_standing,
    run_seeds,
    seed_folders,
    summarise,
    track_seeds,
)
from musclehand.training.tracking import TrackConfig, stage_iterations

HEADER = "stage,iteration,seconds,steps_s,tip_error\n"
HERE = {"ray": None, "threads": 1}


def jobs_of(out, *seeds):
    folders = seed_folders(out, seeds)
    return [
        SeedJob(Path("corpus"), folder, TrackConfig(seed=seed))
        for seed, folder in zip(seeds, folders, strict=True)
    ]


def train(job, reporter):
    """Leaves what a training does."""
    reporter.message("trains")
    seed = job.config.seed
    if seed == 13:
        raise InvalidValue("seed", seed, "another")
    log = HEADER + "dagger,0,2.0,100,\ndagger,1,4.0,50,0.002\n"
    (job.out / "metrics.csv").write_text(log)
    clip = {
        "joint_rmse": 0.02,
        "tip_mean": 0.001 * seed,
        "tip_p95": 0.01,
        "survived": True,
        "activation": 0.1,
    }
    (job.out / "scores.json").write_text(json.dumps([clip, clip | {"survived": False}]))


def test_seeds_are_trained_in_folders_of_their_own(tmp_path):
    runs = run_seeds(train, jobs_of(tmp_path, 1, 2, 3), tmp_path, **HERE)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["tip_mean"]["values"] == pytest.approx([0.001, 0.002, 0.003])
    assert summary["tip_mean"]["mean"] == pytest.approx(0.002)
    # Student's t of two degrees of freedom: 4.303 standard errors.
    assert summary["tip_mean"]["interval"] == pytest.approx(4.302653 * 0.001 / np.sqrt(3))
    assert summary["survived"]["mean"] == 0.5
    assert {name: figure._asdict() for name, figure in runs.summary.items()} == summary
    assert runs.folders[1] == tmp_path / "seed_2"
    assert (tmp_path / "seed_2" / "log.txt").read_text() == "trains\n"
    assert read_standing(tmp_path / "seed_2", {"dagger": 2}).stage == "done"


def test_a_seed_that_fails_leaves_the_others_alone(tmp_path):
    with pytest.raises(MusclehandError, match="seed 13: seed is 13; it must be another"):
        run_seeds(train, jobs_of(tmp_path, 13, 2), tmp_path, **HERE)
    assert json.loads((tmp_path / "summary.json").read_text())["tip_mean"]["interval"] is None
    with pytest.raises(InvalidValue, match="each only once"):
        track_seeds(tmp_path, (1, 1), tmp_path)
    with pytest.raises(InvalidValue, match="one address or none"):
        track_seeds(tmp_path, (1, 2), tmp_path, TrackConfig(ray=("a", "b")))
    assert summarise([]) == {}


def test_it_is_known_how_far_a_training_is(tmp_path):
    totals = {"dagger": 3, "apg": 10}
    assert read_standing(tmp_path / "none", totals).stage == "waiting"
    assert read_standing(tmp_path, totals).stage == "preparing"
    path = tmp_path / "metrics.csv"
    path.write_text(HEADER)
    assert read_standing(tmp_path, totals).stage == "preparing"
    path.write_text(HEADER + "dagger,0,2.0,100,\ndagger,1,4.0,50,0.002\n")
    # One iteration of DAgger and ten more, of which nothing is known yet, at 3 s each.
    assert read_standing(tmp_path, totals) == ("dagger", 2, 50.0, 0.002, 33.0)
    path.write_text(HEADER + "dagger,0,2,1,\ndagger,1,4,1,\ndagger,2,6,1,\napg,0,5,70,0.001\n")
    assert read_standing(tmp_path, totals) == ("apg", 1, 70.0, 0.001, 45.0)
    short = {"dagger": 3, "apg": 1}
    assert read_standing(tmp_path, short)[:3] == ("evaluating", 1, 70.0)
    (tmp_path / "scores.json").write_text("[]")
    assert read_standing(tmp_path, short)[0] == "done"


def test_stages_have_so_many_iterations():
    config = TrackConfig()
    assert stage_iterations(config) == {"dagger": 24, "apg": 500, "ppo": 0}
    assert stage_iterations(TrackConfig(cold=True))["dagger"] == 0
    assert stage_iterations(config, started=True) == {"dagger": 0, "apg": 500, "ppo": 0}
