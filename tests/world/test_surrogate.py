"""Surrogate worlds: every parameter of their truth moves something, and nobody sees it."""

import ast
from dataclasses import fields, replace

import mujoco
import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.piano.geometry import load_piano_parameters
from musclehand.piano.keys import velocity_to_key_speed
from musclehand.sim.scene import build_scene
from musclehand.world.changes import crosses_wrist, make_world, world_scene
from musclehand.world.names import SurrogateName, parse_world
from musclehand.world.senses import BodyIndex
from musclehand.world.surrogate import surrogate
from musclehand.world.truth import PRIORS, Truth, draw_truth
from musclehand.world.two_contacts import TwoContactSensor
from musclehand.world.world import Start, WorldError
from support.paths import ROOT

NEUTRAL = Truth(**{name: prior.middle for name, prior in PRIORS.items()})


def outcome(truth):
    """What a world does with two fingers' worth of commands and struck keys."""
    world = make_world(truth)
    scene = world.scene
    body = BodyIndex(scene)
    angles = scene.model.qpos0[body.qpos].copy()
    world.begin(Start(angles, 0.02, 2, 0.002))
    data = world.inside()
    rng = np.random.default_rng(0)
    felt = []
    for step in range(50):
        commands = np.zeros((2, len(body.actuators)))
        commands[:, : len(body.act)] = 0.3 * rng.random(len(body.act))
        commands[:, len(body.act) :] = 0.01
        if step == 15:
            data.qvel[scene.keys.dof[5:7]] = 6.0  # far from the hands, a white and a black key
        felt.append(world.sense().angles)
        world.advance(commands, np.zeros(2))
    mujoco.mj_kinematics(scene.model, data)
    keys = np.concatenate([data.qpos[scene.keys.qpos], data.geom_xpos[scene.keys.geom].ravel()])
    notes = [(n.onset, n.offset, n.velocity) for n in world.heard().notes]
    return np.concatenate([data.qpos[body.qpos], keys, np.ravel(felt), np.ravel(notes)])


@pytest.fixture(scope="module")
def neutral():
    return outcome(NEUTRAL)


@pytest.mark.parametrize("name", PRIORS)
def test_every_parameter_moves_the_simulation(neutral, name):
    truth = replace(NEUTRAL, **{name: PRIORS[name].high})
    changed = outcome(truth)
    assert changed.shape != neutral.shape or not np.array_equal(changed, neutral)


STRUCTURED = draw_truth(SurrogateName("t1", 3))


@pytest.mark.parametrize("name", [field.name for field in fields(STRUCTURED.structure)])
def test_every_part_of_the_structure_moves_the_simulation(name):
    other = draw_truth(SurrogateName("t1", 4)).structure
    value = getattr(other, name)
    if name == "integrator":
        value = "euler" if STRUCTURED.structure.integrator != "euler" else "implicit"
    if name == "contact_time":
        # Nothing touches a key here.
        first = world_scene(STRUCTURED).model.geom_solref
        changed = replace(STRUCTURED, structure=replace(STRUCTURED.structure, contact_time=value))
        assert not np.array_equal(first, world_scene(changed).model.geom_solref)
        return
    changed = replace(STRUCTURED, structure=replace(STRUCTURED.structure, **{name: value}))
    first, second = outcome(STRUCTURED), outcome(changed)
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_key_inertia_reaches_what_mujoco_derives_from_it():
    models = [world_scene(replace(NEUTRAL, key_inertia=k)).model for k in (1.0, 3.0)]
    keys = build_scene().keys
    inertia = []
    for model in models:
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        matrix = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, data, matrix)
        inertia.append(np.diag(matrix)[keys.dof])
    np.testing.assert_allclose(inertia[1], 3.0 * inertia[0])


def test_fields_of_the_model_mirror_the_truth():
    scene = build_scene()
    truth = replace(NEUTRAL, strength_extrinsic=0.7, strength_intrinsic=1.4, keyboard_x=0.01)
    model = world_scene(truth).model
    for hand in scene.hands.values():
        force = [m.actuator_gainprm[hand.muscles, 2] for m in (model, scene.model)]
        ratio = force[0] / force[1]
        extrinsic = crosses_wrist(scene.model, hand.tendons, hand.dofs[:3])
        names = np.array(hand.muscle_names)
        assert {"FDP2", "EIP", "FPL"} <= set(names[extrinsic])
        np.testing.assert_allclose(ratio, np.where(extrinsic, 0.7, 1.4))
    bodies = model.jnt_bodyid[scene.keys.joint]
    moved = model.body_pos[bodies] - scene.model.body_pos[bodies]
    np.testing.assert_allclose(moved, np.tile([0.01, 0.0, 0.0], (88, 1)), atol=1e-12)


def test_draws_are_repeatable_within_their_priors_and_alike_in_all_tiers():
    for seed in range(20):
        truth = draw_truth(SurrogateName("t0", seed))
        structured = draw_truth(SurrogateName("t1", seed))
        assert truth == draw_truth(SurrogateName("t0", seed))
        assert truth == replace(structured, structure=None)
        for name, prior in PRIORS.items():
            assert prior.low <= getattr(truth, name) <= prior.high


@pytest.mark.parametrize(
    "name", ["t1:7", "surrogate:t9:1", "surrogate:t1:-1", "surrogate:t1:x", ""]
)
def test_worlds_have_names(name):
    with pytest.raises(InvalidValue, match="world"):
        parse_world(name)


def test_a_world_in_a_process_of_its_own_gives_what_it_gives_here():
    world = surrogate("t1", 3)
    twin = make_world(draw_truth(parse_world(world.name)), seed=3)
    body = BodyIndex(twin.scene)
    start = Start(twin.scene.model.qpos0[body.qpos], 0.02, 2, 0.002)
    try:
        with pytest.raises(WorldError, match="has not begun"):
            world.sense()
        world.begin(start)
        twin.begin(start)
        for _ in range(5):
            for mine, his in zip(world.sense(), twin.sense(), strict=True):
                np.testing.assert_array_equal(mine, his)
            commands = np.full((2, len(body.actuators)), 0.05)
            world.advance(commands, np.zeros(2))
            twin.advance(commands, np.zeros(2))
        assert world.heard() == twin.heard()
        assert world.inside() is None
        world._process.kill()
        with pytest.raises(WorldError, match="ended"):
            world.advance(commands, np.zeros(2))
    finally:
        world.close()


def test_the_truth_is_known_in_the_process_of_a_world_alone():
    """No other module of the library may import it, a calibration least of all."""
    knowing = set()
    for path in (ROOT / "musclehand").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = getattr(node, "module", None) or ""
            names = [alias.name for alias in getattr(node, "names", [])]
            if "musclehand.world.truth" in (module, *names):
                knowing.add(path.name)
    assert knowing == {"changes.py", "surrogate_process.py"}


def strike(sensor, params, key, speed, length):
    """A key moved down at a constant speed of its front edge [m/s], held, and let go."""
    angles, t, dt = np.zeros(88), 0.0, 0.0005
    for step in range(2000):
        t = (step + 1) * dt
        angles[key] = min(speed / length * t, 0.066) if t < 0.6 else 0.0
        sensor.update(t, angles, np.zeros(88))
    return sensor.finish(t).notes


def test_two_contacts_measure_the_speed_of_a_constant_stroke():
    params = load_piano_parameters()
    sensor = TwoContactSensor(params)
    speed = float(velocity_to_key_speed(params, 40))
    (note,) = strike(sensor, params, 39, speed, params.white_length)
    assert note.velocity == pytest.approx(40, abs=4)
    assert note.offset == pytest.approx(0.6, abs=0.0011)
    assert round(1e3 * note.onset, 6) == round(1e3 * note.onset)
