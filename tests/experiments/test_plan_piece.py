"""Planners that have to do without, or do otherwise: what they are told, what they do, and that
they learn a piece."""

import sys
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.policies.high_level import high_level_table, load_high_level_policy
from musclehand.training.piece import learning_config
from support.scripts import load
from support.small_high_level import MIRRORED, small_high_level, small_latent_space

pytest.importorskip("rsl_rl")
pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = (
    *("kept_results", "readme_table", "without"),
    *("nearest_keys", "one_actor", "by_reward", "on_the_plan", "plan_piece"),
)


@pytest.fixture(scope="module")
def modules():
    yield {name: load(name) for name in NAMES}
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


def test_the_same_notes_are_told_of_in_turn(modules, pieces):
    hands = [side[0] for side in pieces.notes]
    for hand, told in zip(hands, modules["without"].without_fingers(hands).hands, strict=True):
        assert told.finger.tolist() == [0, 1, 2] != hand.finger.tolist()
        assert (told.key == hand.key).all()
        assert (told.onset == hand.onset).all()


def test_a_field_tells_how_far_the_nearest_wanted_key_is(modules, pieces):
    nearest = modules["nearest_keys"]
    notes = pieces.notes[1][0]
    key = float(notes.point[0, 0])
    first = float(notes.onset[0])
    seen = nearest.field(notes, first + 0.01, key).reshape(len(nearest.SOON), len(nearest.PLACES))
    # From a key's own place it is no distance, from elsewhere it is minus that place.
    assert seen[0] == pytest.approx(-nearest.PLACES / nearest.OCTAVE)
    assert (nearest.field(notes, first - 2.0, key) == 1.0).all()
    shifted = nearest.field(notes, first + 0.01, key - 0.02).reshape(seen.shape)
    assert shifted[0] == pytest.approx(np.clip((0.02 - nearest.PLACES) / nearest.OCTAVE, -1, 1))


def test_codes_are_the_best_of_their_number(modules, pieces):
    nearest = modules["nearest_keys"]
    hands = [side[0] for side in pieces.notes]
    code = nearest.learn_code(hands)
    rows = np.array(
        [nearest.field(hands[1], time, hands[1].point[0, 0]) for time in np.arange(0.0, 2.0, 0.04)]
    )
    codes = (rows - code.mean) @ code.matrix.T
    back = np.linalg.lstsq(codes, rows - code.mean, rcond=None)[0]
    lost = np.mean((rows - code.mean - codes @ back) ** 2)
    assert lost < 0.02 * np.mean((rows - code.mean) ** 2)
    told = nearest.NearestKeys(hands, code).at(
        np.array([1]), np.array([0.4]), np.zeros((1, 5, 3)), np.zeros((1, 3))
    )
    assert np.abs(told["held"][:, : nearest.CODES]).max() > 0.1
    assert not told["held"][:, nearest.CODES :].any()
    assert not any(values.any() for name, values in told.items() if name != "held")


def test_codes_reach_the_network_as_they_are(modules, tmp_path):
    planner = load_high_level_policy(
        small_high_level(tmp_path / "planner", small_latent_space(tmp_path / "skill"))
    )
    planner.policy.mean += 3.0
    planner.policy.std *= 0.02
    modules["plan_piece"].codes_are_normal(planner)
    seen = np.zeros((1, len(planner.policy.mean)), dtype=np.float32)
    first = high_level_table(planner.latent_space).slice("held").start
    seen[0, first : first + modules["nearest_keys"].CODES] = 1.0
    normal = ((seen - planner.policy.mean.numpy()) / planner.policy.std.numpy())[0]
    assert (normal == 1.0).sum() == modules["nearest_keys"].CODES


def test_pairs_see_and_do_what_their_hands_do(modules, pieces, tmp_path):
    one_actor = modules["one_actor"]
    latent_space = small_latent_space(tmp_path)
    env = PianoEnv(pieces, latent_space, PianoConfig(num_worlds=3), seed=4)
    pairs = one_actor.Pairs(PianoEnv(pieces, latent_space, PianoConfig(num_worlds=3), seed=4))
    rows = np.arange(12.0).reshape(6, 2)
    assert (one_actor.apart(one_actor.together(rows)) == rows).all()
    assert one_actor.together(rows)[0].tolist() == [*rows[0], *rows[3]]
    seen = env.reset(seed=1)
    both = pairs.reset(seed=1)
    assert (one_actor.apart(both) == seen).all()
    action = env.teacher_action()
    assert (one_actor.apart(pairs.teacher_action()) == action).all()
    one = env.step(action)
    two = pairs.step(one_actor.together(action))
    assert (one_actor.apart(two.observation) == one.observation).all()
    assert two.reward == pytest.approx((one.reward[:3] + one.reward[3:]) / 2)
    assert (one_actor.apart(pairs.restore(pairs.state())) == one.observation).all()


def test_corrections_begin_with_none_and_are_added(modules, pieces, tmp_path):
    by_reward = modules["by_reward"]
    planner = load_high_level_policy(
        small_high_level(tmp_path / "planner", small_latent_space(tmp_path / "skill"))
    )
    make = lambda: PianoEnv(pieces, planner.latent_space, PianoConfig(num_worlds=2), seed=4)  # noqa: E731
    plain = make()
    env = by_reward.Corrected(make(), planner.policy.act)
    seen = plain.reset(seed=3)
    assert (env.reset(seed=3) == seen).all()
    action = planner.policy.act(seen)
    none = np.full(action.shape, 0.5)
    state = plain.state()
    assert (env.step(none).observation == plain.step(action).observation).all()
    plain.restore(state)
    env.restore(state)
    more = np.clip(action + by_reward.MOST, 0.0, 1.0)
    assert (env.step(np.ones_like(none)).observation == plain.step(more).observation).all()
    config = by_reward.PpoConfig(iterations=0, steps=4)
    corrections = by_reward.learn_corrections(
        make(), planner.policy.act, planner, tmp_path / "ppo", config, {}
    )
    learnt = by_reward.corrected_planner(planner, corrections)
    assert learnt.policy.act(seen) == pytest.approx(action)


def test_on_the_plan_hands_do_what_the_teacher_does(modules, pieces, tmp_path):
    """The player, in a performance, beside the environment's teacher in the same states."""
    planner = load_high_level_policy(
        small_high_level(tmp_path / "planner", small_latent_space(tmp_path / "skill"))
    )
    env = PianoEnv(
        pieces, planner.latent_space, PianoConfig(num_worlds=1, fixed_starts=True, off_plan=0.0)
    )
    env.reset(seed=0)
    player = modules["on_the_plan"].PlanController(MIRRORED, planner, pieces, None)
    data = mujoco.MjData(player.scene.model)
    player.reset(data)
    backend = env.body.backend
    hold = planner.latent_space.policy.hold
    model = player.scene.model
    # Hands stand in another order in its scene.
    joints = [model.joint(env.body.model.joint(i).name).id for i in range(model.njnt)]
    muscles = [model.actuator(env.body.model.actuator(i).name) for i in range(model.nu)]
    acts = [int(one.actadr[0]) for one in muscles if one.actadr[0] >= 0]
    for step in range(3):
        mujoco.mj_step1(model, data)
        for name, order in (("qpos", joints), ("qvel", joints), ("act", acts)):
            backend.write(name, getattr(data, name)[None, order])
        backend.forward()
        env._arm = np.array(player._path)
        env._past = player._past.copy()
        action = env.teacher_action()
        player.control(data, step * hold)
        assert env.latent_action(action[:, : planner.latent_space.policy.latent]) == pytest.approx(
            player._z, abs=1e-5
        )
        for _ in range(hold * player.sim_steps):
            mujoco.mj_step(model, data)
        for part in range(1, hold):
            player.control(data, step * hold + part)
        env.frame = env.references.ahead(env.frame, hold)


def test_who_says_excitations_does_what_the_space_would_have_done_at_first(
    modules, pieces, tmp_path
):
    latent_space = small_latent_space(tmp_path)
    direct = modules["without"].excitation_space(latent_space)
    one, two = (
        PianoEnv(pieces, some, PianoConfig(num_worlds=1, fixed_starts=True, off_plan=0.0))
        for some in (latent_space, direct)
    )
    count = two.policy.latent
    excited = two.teacher_action()[:, :count]
    assert excited.min() >= 0.0
    assert (excited == two.latent_action(excited) + 0.5).all()
    seen = one._plan_view()
    assert np.allclose(excited, latent_space.policy.act(seen, latent_space.policy.encode_mean(seen), 0))
    assert (two.teacher_action()[:, count:] == one.teacher_action()[:, one.policy.latent :]).all()


VARIANTS = (
    *("at_sight", "from_nothing", "without_fingers", "nearest_keys"),
    *("without_space", "either_hand", "both_hands", "by_reward", "on_the_plan"),
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_piece_is_learnt_and_played_after_every_so_many_steps(
    modules, variant, tmp_path, monkeypatch
):
    plan_piece = modules["plan_piece"]
    path = small_high_level(tmp_path / "planner", small_latent_space(tmp_path / "skill"))
    monkeypatch.setattr(plan_piece, "WORLDS", 1)
    short = replace(learning_config(2), steps=3, updates=2, batch=8, beside=2)
    monkeypatch.setattr(
        plan_piece, "learning_config", lambda count, seed: replace(short, seed=seed)
    )
    args = plan_piece.Args(
        seconds=1.0, iterations=2, every=1, planner=path, backend="cpu", out=tmp_path
    )
    rows = plan_piece.learn_one("ode_to_joy", variant, 0, args)
    times = plan_piece.BY_REWARD if variant in plan_piece.REWARDED else 1
    first = [] if variant in plan_piece.DIRECTLY else [0]
    assert [row["steps"] for row in rows] == [*first, 6 * times, 12 * times]
    assert all(0.0 <= row["frame_f1_micro"] <= 1.0 for row in rows)


def test_curves_of_all_variants_are_drawn(modules, tmp_path):
    plan_piece = modules["plan_piece"]
    row = {"steps": 10, "minutes": 0.1, "onset_f1_50ms": 0.5, "frame_f1_micro": None}
    rows = {("ode_to_joy", variant, 0): [{**row, "steps": 0}, row] for variant in VARIANTS}
    plan_piece.draw(rows, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
    table = plan_piece.as_table(rows, plan_piece.Args(pieces=("ode_to_joy",), variants=VARIANTS))
    assert len(table.splitlines()) == 2 + 2 * len(VARIANTS)


def test_who_knows_nothing_finds_normal_what_the_other_does(modules, tmp_path):
    planner = load_high_level_policy(
        small_high_level(tmp_path / "planner", small_latent_space(tmp_path / "skill"))
    )
    known = planner.policy.state_dict()
    fresh = modules["plan_piece"].knows_nothing(planner, 0).state_dict()
    same = {name for name in known if (known[name] == fresh[name]).all()}
    assert {"mean", "spread", "middle", "width"} <= same
    assert not any(name in same for name in known if name.endswith("weight"))
