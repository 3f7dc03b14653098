"""The training of a planner, from scores to a file that plays; killed in between, it ends the
same."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from musclehand.core.errors import InvalidValue
from musclehand.policies.high_level import load_high_level_policy, transfer_high_level_network
from support.scripts import load
from support.small_planner import MIRRORED, small_planner, small_skill


@pytest.fixture(scope="module")
def generalist():
    names = (
        "scale_out",
        "readme_table",
        "eval_tracking",
        "track_hand",
        "plan_generalist",
    )
    before = torch.get_num_threads()
    yield [load(name) for name in names][-1]
    torch.set_num_threads(before)
    for name in names:
        sys.modules.pop(name, None)


def test_a_planner_is_made_and_resumed(generalist, tmp_path, monkeypatch):
    monkeypatch.setattr(generalist, "scores_of", lambda args: [("mirrored", MIRRORED)] * 2)
    small_skill(tmp_path / "skill")
    args = generalist.Args(tmp_path / "skill" / "000001.json", out=tmp_path / "whole", worlds=2)
    small = {"iterations": 2, "steps": 4, "updates": 5, "batch": 16, "hidden": (8,)}
    read = replace(args.read, **small)
    teach = replace(args.teach, **small, beside=3)
    generalist.main(replace(args, read=read, teach=teach), Console(quiet=True))
    for first, second in ((1, 0), (2, 1), (2, 2)):
        stages = {
            "read": replace(read, iterations=first),
            "teach": replace(teach, iterations=second),
        }
        part = replace(args, out=tmp_path / "parts", **stages)
        generalist.main(part, Console(quiet=True))
    one, two = (
        load_high_level_policy(tmp_path / name / "planner" / "000001.json")
        for name in ("whole", "parts")
    )
    for name, values in one.policy.state_dict().items():
        np.testing.assert_array_equal(values, two.policy.state_dict()[name], err_msg=name)
    lines = (tmp_path / "parts" / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        [name, number] for name in ("read", "teach") for number in "01"
    ]


def test_scores_are_made_for_the_purpose_and_the_same_each_time(generalist, tmp_path):
    args = generalist.Args(tmp_path, patterns=3, textures=2, chorales=0, accompaniments=6)
    one = list(generalist.scores_of(args))
    two = list(generalist.scores_of(args))
    assert one == two
    assert len({name for name, _ in one}) == 11
    assert all(score.notes for _, score in one)


def test_a_planner_moves_to_another_latent_space(tmp_path):
    skill = small_skill(tmp_path / "one")
    known = load_high_level_policy(small_planner(tmp_path / "planner", skill))
    other = small_skill(tmp_path / "other", latent=9)
    moved = transfer_high_level_network(other, known)
    seen = torch.from_numpy(
        np.random.default_rng(0).normal(size=(3, known.policy.sizes[0])).astype(np.float32)
    )
    torch.testing.assert_close(moved.wants(seen), known.policy.wants(seen))
    assert moved.act(seen.numpy()).shape == (3, 9 + moved.moves)
    with pytest.raises(InvalidValue, match="past"):
        transfer_high_level_network(small_skill(tmp_path / "late", past=2), known)
