"""Planners that have to do without: what they are told, what they do, and that they learn a piece like the others."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from small_planner import MIRRORED, small_planner, small_skill
from test_track_hand import load

from musclehand.envs.piano import PianoConfig, PianoEnv
from musclehand.learn_piece import learning_config
from musclehand.planned_pieces import plan_pieces
from musclehand.planner_policy import load_planner

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ("whole_files", "kept_results", "readme_table", "without", "plan_piece")


@pytest.fixture(scope="module")
def modules():
    yield {name: load(name) for name in NAMES}
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


def test_the_same_notes_are_told_of_in_turn(modules, pieces):
    plain = modules["without"].without_fingers(pieces)
    for side, told in zip(pieces.notes, plain.notes, strict=True):
        assert told[0].finger.tolist() == [0, 1, 2] != side[0].finger.tolist()
        assert (told[0].key == side[0].key).all()
        assert (told[0].onset == side[0].onset).all()


def test_who_says_excitations_does_what_the_space_would_have_done_at_first(modules, pieces, tmp_path):
    skill = small_skill(tmp_path)
    direct = modules["without"].MuscleSkill(modules["without"].Muscles(skill.policy), skill.config)
    one, two = (
        PianoEnv(pieces, some, PianoConfig(num_worlds=1, fixed_starts=True, off_plan=0.0)) for some in (skill, direct)
    )
    count = two.policy.latent
    excited = two.teacher_action()[:, :count]
    assert excited.min() >= 0.0
    assert (excited == two.intention_of(excited) + 0.5).all()
    seen = one._plan_view()
    assert np.allclose(excited, skill.policy.act(seen, skill.policy.intend(seen), 0))
    assert (two.teacher_action()[:, count:] == one.teacher_action()[:, one.policy.latent :]).all()


@pytest.mark.parametrize("variant", ["at_sight", "from_nothing", "without_fingers", "without_space"])
def test_a_piece_is_learnt_and_played_after_every_so_many_steps(modules, variant, tmp_path, monkeypatch):
    plan_piece = modules["plan_piece"]
    path = small_planner(tmp_path / "planner", small_skill(tmp_path / "skill"))
    for module in (plan_piece, modules["without"], sys.modules["musclehand.learn_piece"]):
        monkeypatch.setattr(module, "WORLDS", 1)
    short = replace(learning_config(2), steps=3, updates=2, batch=8, beside=2)
    monkeypatch.setattr(plan_piece, "learning_config", lambda count, seed: replace(short, seed=seed))
    args = plan_piece.Args(seconds=1.0, iterations=2, every=1, planner=path, out=tmp_path)
    rows = plan_piece.learn_one("ode_to_joy", variant, 0, args)
    assert [row["steps"] for row in rows] == ([6, 12] if variant == "without_space" else [0, 6, 12])
    assert all(0.0 <= row["frame_f1_micro"] <= 1.0 for row in rows)


def test_who_knows_nothing_finds_normal_what_the_other_does(modules, tmp_path):
    planner = load_planner(small_planner(tmp_path / "planner", small_skill(tmp_path / "skill")))
    known, fresh = planner.policy.state_dict(), modules["plan_piece"].knows_nothing(planner, 0).state_dict()
    same = {name for name in known if (known[name] == fresh[name]).all()}
    assert {"mean", "spread", "middle", "width"} <= same
    assert not any(name in same for name in known if name.endswith("weight"))
