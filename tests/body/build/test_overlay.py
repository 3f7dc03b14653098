"""The overlay against its base: MyoSim's geometry where it is kept, mirror images, and errors
that name the row."""

import dataclasses
import warnings

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import (
    DIGITS,
    DIP_PER_PIP,
    FINGER_NUMBERS,
    HAND_JOINTS,
    PALM_JOINTS,
    Side,
)
from musclehand.body.build.hand import load_hand
from musclehand.body.build.myosim import mirrored, mirrored_axis
from musclehand.core.errors import ModelError
from support.dense import dense_dynamics


@pytest.fixture(scope="module")
def myosim():
    from myo_sim.build.compose import build_spec

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_spec("myohand_r").compile()


def postures(model, hand, count, seed):
    limits = model.jnt_range[model.dof_jntid[hand.dofs]]
    return (
        limits[:, 0]
        + np.random.default_rng(seed).random((count, len(HAND_JOINTS))) * np.diff(limits).T
    )


def posed(model, hand, qpos):
    data = mujoco.MjData(model)
    data.qpos[hand.qpos] = qpos
    mujoco.mj_fwdPosition(model, data)
    return data


def test_sites_and_surfaces_of_myosim_are_where_myosim_has_them(right_hand, myosim, tables):
    """In every posture, seen from the upper arm."""
    model, hand = right_hand
    base = mujoco.MjData(myosim)
    shared = [i for i, name in enumerate(HAND_JOINTS) if name not in PALM_JOINTS]
    address = [myosim.joint(f"{HAND_JOINTS[i]}_r").qposadr[0] for i in shared]
    names = {row.name for row in tables.paths if row.kind == "base_site"}
    around = [row for row in tables.paths if row.kind == "base_wrap"]
    sites = sorted(names | {row.side_site for row in around})
    assert len(names) > 50
    assert len(around) > 0
    original, ours = ([find(source, "site", name) for name in sites] for source in (myosim, model))
    surfaces = sorted({row.name for row in around})
    their_geoms, our_geoms = (
        [find(source, "geom", name) for name in surfaces] for source in (myosim, model)
    )
    # All are spheres, which have a place and a radius but no direction.
    for source, geoms in ((model, our_geoms), (myosim, their_geoms)):
        assert (source.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_SPHERE).all()
    assert model.geom_size[our_geoms, 0] == pytest.approx(myosim.geom_size[their_geoms, 0])
    root = myosim.body("humerus_r").id
    for qpos in postures(model, hand, 20, seed=11):
        # MyoSim's palm is rigid.
        qpos[[HAND_JOINTS.index(name) for name in PALM_JOINTS]] = 0.0
        data = posed(model, hand, qpos)
        base.qpos[address] = qpos[shared]
        mujoco.mj_kinematics(myosim, base)
        turn = base.xmat[root].reshape(3, 3)
        assert data.site_xpos[ours] == pytest.approx(
            (base.site_xpos[original] - base.xpos[root]) @ turn, abs=1e-9
        )
        centres = (base.geom_xpos[their_geoms] - base.xpos[root]) @ turn
        assert data.geom_xpos[our_geoms] == pytest.approx(centres, abs=1e-9)


def find(model, kind, name):
    """Id of a part; MyoSim names some of the right hand's parts without saying that they are
    right ones."""
    number = {"site": mujoco.mjtObj.mjOBJ_SITE, "geom": mujoco.mjtObj.mjOBJ_GEOM}[kind]
    part = max(mujoco.mj_name2id(model, number, source) for source in (f"{name}_r", name))
    assert part >= 0, name
    return part


def test_joint_axes_and_places_are_myosims(right_hand, myosim):
    model, _ = right_hand
    for name in set(HAND_JOINTS) - set(PALM_JOINTS):
        ours = model.joint(f"{name}_r")
        original = myosim.joint(f"{name}_r")
        assert ours.axis == pytest.approx(original.axis, abs=1e-9)
        assert ours.pos == pytest.approx(original.pos, abs=1e-9)


def test_left_is_the_mirror_image_of_right(right_hand, left_hand):
    """Equal joint values: equal path lengths and moment arms, fingertips mirrored in z of the
    root frame."""
    (right, right_index), (left, left_index) = right_hand, left_hand
    assert left.body_mass.sum() == pytest.approx(right.body_mass.sum())
    for qpos in postures(right, right_index, 40, seed=12):
        right_data = posed(right, right_index, qpos)
        left_data = posed(left, left_index, qpos)
        lengths = (
            right_data.actuator_length[right_index.muscles],
            left_data.actuator_length[left_index.muscles],
        )
        assert lengths[1] == pytest.approx(lengths[0], abs=1e-12)
        arms = [
            dense_dynamics(model, data)[1][np.ix_(index.muscles, index.dofs)]
            for model, data, index in (
                (right, right_data, right_index),
                (left, left_data, left_index),
            )
        ]
        assert arms[1] == pytest.approx(arms[0], abs=1e-9)
        tips = right_data.site_xpos[right_index.tips], left_data.site_xpos[left_index.tips]
        assert tips[1] == pytest.approx(tips[0] * [1, 1, -1], abs=1e-12)


def test_mirroring_twice_changes_nothing_and_keeps_handedness():
    rng = np.random.default_rng(0)
    point = rng.normal(size=3)
    assert mirrored(mirrored(point, Side.LEFT), Side.LEFT) == pytest.approx(point)
    assert mirrored(point, Side.RIGHT) == pytest.approx(point)
    # A rotation axis is a cross product of two directions; the mirror image of the product has the
    # other sign.
    a = rng.normal(size=3)
    b = rng.normal(size=3)
    crossed = np.cross(mirrored(a, Side.LEFT), mirrored(b, Side.LEFT))
    assert mirrored_axis(np.cross(a, b), Side.LEFT) == pytest.approx(crossed)


def test_moment_arms_are_the_slopes_of_the_lengths(right_hand):
    model, hand = right_hand
    data = mujoco.MjData(model)
    step = 1e-5
    for qpos in postures(model, hand, 12, seed=13):
        arms = dense_dynamics(model, posed(model, hand, qpos))[1][np.ix_(hand.muscles, hand.dofs)]
        for joint, address in enumerate(hand.qpos):
            lengths = []
            for sign in (1, -1):
                data.qpos[hand.qpos] = qpos
                data.qpos[address] += sign * step
                mujoco.mj_fwdPosition(model, data)
                lengths.append(data.actuator_length[hand.muscles].copy())
            slope = (lengths[0] - lengths[1]) / (2 * step)
            assert arms[:, joint] == pytest.approx(slope, abs=1e-7)


def test_masses_and_inertias_are_those_of_solid_segments(right_hand, tables):
    model, _ = right_hand
    arm = [model.body(f"{name}_r").id for name in ("humerus", "ulna", "radius")]
    assert 0.3 < model.body_mass.sum() - model.body_mass[arm].sum() < 0.6
    for row in tables.segments:
        body = model.body(f"{row.body}_r")
        length = np.linalg.norm(np.subtract(row.end, row.start)) + 2 * row.radius
        assert body.mass[0] == pytest.approx(row.mass)
        small, middle, large = sorted(body.inertia)
        assert small > 0
        assert small + middle >= large
        assert row.mass * length**2 / 20 < large < row.mass * length**2


def test_every_fingertip_is_at_the_end_of_its_outline(right_hand, tables):
    model, hand = right_hand
    ends = {row.body: row for row in tables.segments}
    for digit, site in zip(DIGITS, hand.tips, strict=True):
        assert model.site(site).name == f"tip_{digit}_r"
        body = model.body(model.site_bodyid[site]).name.removesuffix("_r")
        assert model.site_pos[site] == pytest.approx(ends[body].end)


def test_last_joints_follow_the_middle_ones(right_hand):
    model, hand = right_hand
    data = mujoco.MjData(model)
    rng = np.random.default_rng(5)
    pip = [hand.qpos[HAND_JOINTS.index(f"pm{k}_flexion")] for k in FINGER_NUMBERS]
    dip = [hand.qpos[HAND_JOINTS.index(f"md{k}_flexion")] for k in FINGER_NUMBERS]
    moved = 0.0
    for step in range(1000):
        if step % 10 == 0:
            data.ctrl[:] = rng.random(model.nu)
        mujoco.mj_step(model, data)
        moved = max(moved, np.abs(data.qpos[pip]).max())
        assert np.abs(data.qpos[dip] - DIP_PER_PIP * data.qpos[pip]).max() < np.deg2rad(2)
    assert moved > np.deg2rad(20)


def test_fingers_touch_each_other_but_not_their_neighbouring_segments(right_hand):
    model, _ = right_hand
    names = {
        model.geom(i).name: i for i in range(model.ngeom) if model.geom(i).name.startswith("skin_")
    }
    for name, geom in names.items():
        digit = "ph" in name or "thumb" in name
        assert bool(model.geom_contype[geom] & 1) == digit
    excluded = {model.exclude(i).name for i in range(model.nexclude)}
    assert "2proxph_r-3proxph_r" in excluded
    assert "distph2_r-distph3_r" not in excluded


def test_meshes_change_nothing_but_the_picture(right_hand):
    model, _ = right_hand
    pictured = load_hand(Side.RIGHT, visual=True)
    assert pictured.nmesh > 0
    assert (pictured.nq, pictured.nu, pictured.ntendon) == (model.nq, model.nu, model.ntendon)
    assert pictured.body_mass == pytest.approx(model.body_mass)
    assert pictured.body_inertia == pytest.approx(model.body_inertia)


@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("paths", {"name": "FDP9-P1"}, "FDP9-P1"),
        ("segments", {"body": "sixthmc"}, "sixthmc"),
        ("wraps", {"joint": "mcp9_flexion"}, "mcp9_flexion"),
        ("wraps", {"body": "sixthmc"}, "sixthmc"),
    ],
)
def test_what_myosim_does_not_have_is_named(tables, table, change, named):
    rows = getattr(tables, table)
    broken = dataclasses.replace(
        tables, **{table: (dataclasses.replace(rows[0], **change), *rows[1:])}
    )
    with pytest.raises(ModelError, match=named):
        load_hand(Side.RIGHT, tables=broken)
