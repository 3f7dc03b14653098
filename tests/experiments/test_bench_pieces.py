"""Ablations of the high-level policy: what each observes and does, and that each learns a piece."""

import sys
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.policies.high_level import high_level_table, load_high_level_policy
from musclehand.training.piece_policy import piece_training
from support.scripts import load
from support.small_high_level import MIRRORED, small_high_level, small_latent_space

pytest.importorskip("rsl_rl")
pytestmark = pytest.mark.usefixtures("one_thread")

ABLATIONS = ("fingering", "latent_space", "shared_policy", "notes", "ppo_residual", "plan_residual")
NAMES = (*(f"ablate_{name}" for name in ABLATIONS), "bench_pieces")


@pytest.fixture(scope="module")
def modules():
    yield {name.removeprefix("ablate_"): load(name) for name in NAMES}
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


@pytest.fixture
def policy(tmp_path):
    space = small_latent_space(tmp_path / "latent_space")
    return load_high_level_policy(small_high_level(tmp_path / "policy", space))


def test_the_same_notes_are_assigned_to_fingers_in_turn(modules, pieces):
    hands = [side[0] for side in pieces.notes]
    goals = modules["fingering"].goals_without_fingers(hands)
    for hand, notes in zip(hands, goals.hands, strict=True):
        assert notes.finger.tolist() == [0, 1, 2] != hand.finger.tolist()
        assert (notes.key == hand.key).all()
        assert (notes.onset == hand.onset).all()


def test_a_field_has_the_distance_to_the_nearest_wanted_key(modules, pieces):
    notes_module = modules["notes"]
    places = notes_module.PLACES
    octave = notes_module.OCTAVE
    notes = pieces.notes[1][0]
    key = float(notes.point[0, 0])
    first = float(notes.onset[0])
    shape = len(notes_module.MOMENTS), len(places)
    field = notes_module.field(notes, first + 0.01, key).reshape(shape)
    # From a key's own place it is no distance, from elsewhere it is minus that place.
    assert field[0] == pytest.approx(-places / octave)
    assert (notes_module.field(notes, first - 2.0, key) == 1.0).all()
    shifted = notes_module.field(notes, first + 0.01, key - 0.02).reshape(shape)
    assert shifted[0] == pytest.approx(np.clip((0.02 - places) / octave, -1, 1))


def test_codes_are_the_best_of_their_number(modules, pieces):
    notes_module = modules["notes"]
    hands = [side[0] for side in pieces.notes]
    code = notes_module.learn_code(hands)
    key = hands[1].point[0, 0]
    rows = np.array([notes_module.field(hands[1], time, key) for time in np.arange(0.0, 2.0, 0.04)])
    codes = (rows - code.mean) @ code.matrix.T
    back = np.linalg.lstsq(codes, rows - code.mean, rcond=None)[0]
    lost = np.mean((rows - code.mean - codes @ back) ** 2)
    assert lost < 0.02 * np.mean((rows - code.mean) ** 2)
    blocks = notes_module.NearestKeys(hands, code).encode(
        np.array([1]), np.array([0.4]), np.zeros((1, 5, 3)), np.zeros((1, 3))
    )
    assert np.abs(blocks["held"][:, : notes_module.CODES]).max() > 0.1
    assert not blocks["held"][:, notes_module.CODES :].any()
    assert not any(values.any() for name, values in blocks.items() if name != "held")


def test_codes_reach_the_network_as_they_are(modules, policy):
    policy.policy.mean += 3.0
    policy.policy.std *= 0.02
    modules["bench_pieces"].normalise_codes(policy)
    codes = modules["notes"].CODES
    observation = np.zeros((1, len(policy.policy.mean)), dtype=np.float32)
    first = high_level_table(policy.latent_space).slice("held").start
    observation[0, first : first + codes] = 1.0
    normal = ((observation - policy.policy.mean.numpy()) / policy.policy.std.numpy())[0]
    assert (normal == 1.0).sum() == codes


def test_pairs_observe_and_do_what_their_hands_do(modules, pieces, tmp_path):
    shared = modules["shared_policy"]
    space = small_latent_space(tmp_path)
    env = PianoEnv(pieces, space, PianoConfig(num_worlds=3), seed=4)
    pairs = shared.PairEnv(PianoEnv(pieces, space, PianoConfig(num_worlds=3), seed=4))
    rows = np.arange(12.0).reshape(6, 2)
    assert (shared.split_pairs(shared.join_pairs(rows)) == rows).all()
    assert shared.join_pairs(rows)[0].tolist() == [*rows[0], *rows[3]]
    observation = env.reset(seed=1)
    assert (shared.split_pairs(pairs.reset(seed=1)) == observation).all()
    action = env.teacher_action()
    assert (shared.split_pairs(pairs.teacher_action()) == action).all()
    result = env.step(action)
    pair_result = pairs.step(shared.join_pairs(action))
    assert (shared.split_pairs(pair_result.observation) == result.observation).all()
    assert pair_result.reward == pytest.approx((result.reward[:3] + result.reward[3:]) / 2)
    again = pairs.restore(pairs.state())
    assert (shared.split_pairs(again) == result.observation).all()


def test_residuals_begin_with_none_and_are_added(modules, pieces, policy, tmp_path):
    residual = modules["ppo_residual"]

    def make():
        return PianoEnv(pieces, policy.latent_space, PianoConfig(num_worlds=2), seed=4)

    plain = make()
    env = residual.ResidualEnv(make(), policy.policy.act)
    observation = plain.reset(seed=3)
    assert (env.reset(seed=3) == observation).all()
    action = policy.policy.act(observation)
    nothing = np.full(action.shape, 0.5)
    state = plain.state()
    assert (env.step(nothing).observation == plain.step(action).observation).all()
    plain.restore(state)
    env.restore(state)
    raised = np.clip(action + residual.MAX_RESIDUAL, 0.0, 1.0)
    assert (env.step(np.ones_like(nothing)).observation == plain.step(raised).observation).all()
    config = residual.PpoConfig(iterations=0, steps=4)
    learnt = residual.learn_residual(
        make(), policy.policy.act, policy, tmp_path / "ppo", config, identity={}
    )
    corrected = residual.with_residual(policy, learnt)
    assert corrected.policy.act(observation) == pytest.approx(action)


def test_on_the_plan_hands_do_what_the_teacher_does(modules, pieces, policy):
    """The controller, in a performance, beside the environment's teacher in the same states."""
    env = PianoEnv(
        pieces, policy.latent_space, PianoConfig(num_worlds=1, fixed_starts=True, off_plan=0.0)
    )
    env.reset(seed=0)
    controller = modules["plan_residual"].PlanController(MIRRORED, policy, pieces, None)
    data = mujoco.MjData(controller.scene.model)
    controller.reset(data)
    backend = env.body.backend
    space = policy.latent_space.policy
    repeat = space.action_repeat
    model = controller.scene.model
    # Hands stand in another order in its scene.
    joints = [model.joint(env.body.model.joint(i).name).id for i in range(model.njnt)]
    muscles = [model.actuator(env.body.model.actuator(i).name) for i in range(model.nu)]
    acts = [int(muscle.actadr[0]) for muscle in muscles if muscle.actadr[0] >= 0]
    for step in range(3):
        mujoco.mj_step1(model, data)
        for name, order in (("qpos", joints), ("qvel", joints), ("act", acts)):
            backend.write(name, getattr(data, name)[None, order])
        backend.forward()
        env._forearm = np.array(controller._forearm_state)
        env._history = controller._history.copy()
        action = env.teacher_action()
        controller.control(data, step * repeat)
        z = env.latent_action(action[:, : space.latent_size])
        assert z == pytest.approx(controller._z, abs=1e-5)
        for _ in range(repeat * controller.sim_steps):
            mujoco.mj_step(model, data)
        for part in range(1, repeat):
            controller.control(data, step * repeat + part)
        env.frame = env.references.ahead(env.frame, repeat)


def test_excitations_are_those_that_the_latent_space_would_begin_with(modules, pieces, tmp_path):
    space = small_latent_space(tmp_path)
    direct = modules["latent_space"].excitation_space(space)
    config = PianoConfig(num_worlds=1, fixed_starts=True, off_plan=0.0)
    latent_env = PianoEnv(pieces, space, config)
    direct_env = PianoEnv(pieces, direct, config)
    count = direct_env.policy.latent_size
    excitation = direct_env.teacher_action()[:, :count]
    assert excitation.min() >= 0.0
    assert (excitation == direct_env.latent_action(excitation) + 0.5).all()
    observation = latent_env._encoder_observation()
    z = space.policy.encode_mean(observation)
    assert np.allclose(excitation, space.policy.act(observation, z, 0))
    moves = latent_env.teacher_action()[:, latent_env.policy.latent_size :]
    assert (direct_env.teacher_action()[:, count:] == moves).all()


VARIANTS = (
    "pretrained",
    "from-scratch",
    "no-fingering",
    "nearest-keys",
    "no-latent-space",
    "direct-one-hand",
    "direct-both-hands",
    "ppo-residual",
    "plan-residual",
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_piece_is_learnt_and_played_after_every_few_steps(
    modules, variant, tmp_path, monkeypatch
):
    bench = modules["bench_pieces"]
    assert tuple(bench.VARIANTS) == VARIANTS
    path = small_high_level(tmp_path / "policy", small_latent_space(tmp_path / "space"))
    monkeypatch.setattr(bench, "WORLDS", 1)
    short = replace(piece_training(2), steps=3, updates=2, batch=8, static_steps=2)
    monkeypatch.setattr(bench, "piece_training", lambda count, seed: replace(short, seed=seed))
    args = bench.Args(seconds=1.0, iterations=2, every=1, policy=path, backend="cpu", out=tmp_path)
    rows = bench.learn_one("ode_to_joy", variant, 0, args)
    factor = bench.PPO_FACTOR if variant in bench.RESIDUAL else 1
    first = [] if variant in bench.DIRECT else [0]
    assert [row["steps"] for row in rows] == [*first, 6 * factor, 12 * factor]
    assert all(0.0 <= row["frame_f1_micro"] <= 1.0 for row in rows)


def test_curves_and_tables_have_all_variants(modules, tmp_path):
    bench = modules["bench_pieces"]
    row = {"steps": 10, "minutes": 0.1, "onset_f1_50ms": 0.5, "frame_f1_micro": None}
    rows = {("ode_to_joy", variant, 0): [{**row, "steps": 0}, row] for variant in VARIANTS}
    bench.draw(rows, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
    args = bench.Args(pieces=("ode_to_joy",), variants=VARIANTS)
    table = bench.as_table(rows, args)
    assert len(table.splitlines()) == 2 + 2 * len(VARIANTS)
    assert len(bench.meaning_table(VARIANTS).splitlines()) == 2 + len(VARIANTS)
    assert "10 iterations" not in bench.prose("pieces", rows, args)
    assert all("{" not in bench.prose(page, rows, args) for page in bench.TITLES)


def test_an_untrained_network_keeps_the_normalisation(modules, policy):
    known = policy.policy.state_dict()
    fresh = modules["bench_pieces"].untrained(policy, 0).state_dict()
    same = {name for name in known if (known[name] == fresh[name]).all()}
    assert {"mean", "std", "target_mean", "target_std"} <= same
    assert not any(name in same for name in known if name.endswith("weight"))
