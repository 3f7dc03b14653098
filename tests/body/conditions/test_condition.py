"""Conditions: what a text names, what it changes in the tables, and what the hand built from
them does."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import FINGER_JOINTS, Side
from musclehand.body.build.hand import CORNER_RANGE, fit_fibres, load_hand
from musclehand.body.conditions.condition import (
    FORMS,
    PALSIES,
    Condition,
    apply_condition,
    combine,
    find_condition,
    load_innervation,
    palsy_condition,
)
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.body.conditions.transfer import Transfer, transfer_tendon
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import (
    activation_after,
    excitation_ceiling,
    muscle_parameters,
    reachable_activation,
)
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName

INTEROSSEI = {"DI1", "DI2", "DI3", "DI4", "PI1", "PI2", "PI3"}
LOW_ULNAR = INTEROSSEI | {"LU3", "LU4", "ADPo", "ADPt", "ADM", "FDM"}
LOW_MEDIAN = {"APB", "OP", "FPB", "LU1", "LU2"}
EXTENSORS = {
    "ECRL",
    "ECRB",
    "ECU",
    "EDC2",
    "EDC3",
    "EDC4",
    "EDC5",
    "EDM",
    "EIP",
    "EPL",
    "EPB",
    "APL",
}
SILENT = {
    "ulnar-palsy": LOW_ULNAR,
    "ulnar-palsy-high": LOW_ULNAR | {"FCU", "FDP4", "FDP5"},
    "median-palsy": LOW_MEDIAN,
    "median-palsy-high": LOW_MEDIAN
    | {"PT", "PQ", "FCR", "PL", "FDS2", "FDS3", "FDS4", "FDS5", "FDP2", "FDP3", "FPL"},
    "radial-palsy": EXTENSORS | {"SUP"},
}
TEXTS = (
    "weak:FDP2=0.5",
    "atrophy:DI1=0.4",
    "stiff:mcp2_flexion=0.2",
    "transfer:EIP>EPL",
    "fatigue=0.3",
    *PALSIES,
)


def silent_muscles(tables):
    return {row.muscle for row in tables.muscles if row.drive == 0.0}


def paths_of(tables, muscle):
    return [row.name for row in tables.paths if row.muscle == muscle]


@pytest.fixture(scope="module")
def transferred(tables):
    """A right hand after the classic transfer, EIP to EPL."""
    return load_hand(Side.RIGHT, tables=apply_condition(tables, find_condition("transfer:EIP>EPL")))


def arm(model, muscle, joint, value, step=1e-4):
    """Moment arm -d(length)/d(angle) [m] of a muscle at one joint, by central difference, the
    rest at neutral."""
    data = mujoco.MjData(model)
    lengths = []
    for offset in (step, -step):
        data.qpos[:] = 0.0
        data.qpos[model.joint(f"{joint}_r").qposadr[0]] = value + offset
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_tendon(model, data)
        lengths.append(data.ten_length[model.tendon(f"{muscle}_r").id])
    return -(lengths[0] - lengths[1]) / (2 * step)


def test_every_muscle_has_a_nerve_and_no_other(tables):
    rows = load_innervation()
    assert sorted(row.muscle for row in rows) == sorted(tables.muscle_names)


@pytest.mark.parametrize("name", PALSIES)
def test_a_palsy_silences_the_muscles_of_its_nerve(tables, name):
    changed = apply_condition(tables, find_condition(name))
    assert silent_muscles(changed) == SILENT[name]
    restored = replace(changed, muscles=tuple(replace(row, drive=1.0) for row in changed.muscles))
    assert restored == tables


def test_palsies_at_the_wrist_spare_the_forearm(tables):
    groups = {row.muscle: row.group for row in tables.muscles}
    for name in ("ulnar-palsy", "median-palsy"):
        silent = set(palsy_condition(name).drive)
        assert {groups[muscle] for muscle in silent} <= {
            "thenar",
            "lumbricals",
            "interossei",
            "hypothenar",
        }
        assert silent < set(palsy_condition(f"{name}-high").drive)


def test_the_three_nerves_share_no_muscle_and_leave_the_biceps(tables):
    silent = [
        set(palsy_condition(name).drive)
        for name in ("ulnar-palsy-high", "median-palsy-high", "radial-palsy")
    ]
    assert sum(map(len, silent)) == len(set.union(*silent)) == len(tables.muscles) - 1
    assert set(tables.muscle_names) - set.union(*silent) == {"BIC"}


def test_weakness_atrophy_and_stiffness_change_one_row_each(tables):
    changed = apply_condition(
        tables, find_condition("weak:FDP2=0.5+atrophy:DI1=0.4+stiff:mcp2_flexion=0.2")
    )
    for before, after in zip(tables.muscles, changed.muscles, strict=True):
        assert after.drive == (0.5 if before.muscle == "FDP2" else 1.0)
        assert after.f0 == pytest.approx(before.f0 * (0.4 if before.muscle == "DI1" else 1.0))
    for before, after in zip(tables.joints, changed.joints, strict=True):
        added = 0.2 if before.joint == "mcp2_flexion" else 0.0
        assert after == replace(before, stiffness=before.stiffness + added)
    assert changed.paths == tables.paths


def test_a_stiff_joint_resists_by_what_was_added(tables):
    """The passive torque at 0.3 rad from rest differs by stiffness times angle."""
    torques = []
    for design in (tables, apply_condition(tables, find_condition("stiff:mcp3_flexion=0.2"))):
        model = load_hand(tables=design)
        data = mujoco.MjData(model)
        joint = model.joint("mcp3_flexion_r")
        rest = model.qpos_spring[joint.qposadr[0]]
        data.qpos[joint.qposadr[0]] = rest + 0.3
        mujoco.mj_forward(model, data)
        torques.append(data.qfrc_spring[joint.dofadr[0]])
    assert torques[1] - torques[0] == pytest.approx(-0.2 * 0.3, rel=1e-6)


def test_the_model_takes_no_more_excitation_than_reaches_the_muscle(tables):
    model = load_hand(tables=apply_condition(tables, find_condition("ulnar-palsy+weak:FDP2=0.5")))
    data = mujoco.MjData(model)
    data.ctrl[:] = 1.0
    for _ in range(200):
        mujoco.mj_step(model, data)
    index = HandIndex.from_model(model, Side.RIGHT)
    act = dict(zip(tables.muscle_names, data.act[index.act], strict=True))
    for muscle, value in act.items():
        if muscle in LOW_ULNAR:
            assert value < 1e-6
        else:
            assert value == pytest.approx(0.5 if muscle == "FDP2" else 1.0, abs=1e-3)
    ceiling = excitation_ceiling(model, index.muscles)
    assert ceiling[tables.muscle_names.index("FDP2")] == 0.5
    assert ceiling[tables.muscle_names.index("DI1")] < 1e-6


def test_a_paralysed_muscle_keeps_its_passive_force(tables):
    model = load_hand(tables=apply_condition(tables, find_condition("median-palsy-high")))
    data = mujoco.MjData(model)
    data.qpos[model.joint("flexion_r").qposadr[0]] = np.deg2rad(-60)  # the wrist bent back
    for finger in "2345":
        data.qpos[model.joint(f"mcp{finger}_flexion_r").qposadr[0]] = np.deg2rad(-25)
    mujoco.mj_forward(model, data)
    pulls = -data.actuator_force[[model.actuator(f"FDS{finger}_r").id for finger in "2345"]]
    assert (data.act == 0.0).all()
    assert (pulls > 0.1).all()


def test_activation_is_reachable_up_to_the_ceiling(right_hand):
    model, index = right_hand
    params = muscle_parameters(model, index.muscles)
    act = np.linspace(0.0, 1.0, len(index.muscles))
    ceiling = np.linspace(1.0, 0.0, len(index.muscles))
    low, high = reachable_activation(params, act, 0.002, 4, ceiling=ceiling)
    np.testing.assert_array_equal(high, activation_after(params, act, ceiling, 0.002, 4))
    np.testing.assert_array_equal(low, reachable_activation(params, act, 0.002, 4)[0])
    assert (low <= high).all()


def test_eip_sewn_onto_epl_extends_the_thumb_and_no_longer_the_index(right_hand, transferred):
    healthy, _ = right_hand
    for joint in ("ip_flexion", "mp_flexion"):
        for angle in np.deg2rad([-50.0, -20.0, 0.0]):
            ours = arm(transferred, "EIP", joint, angle)
            expected = arm(healthy, "EPL", joint, angle)
            assert ours == pytest.approx(expected, abs=1e-5)
            assert ours > 1e-3  # positive is extension at the thumb
    for joint in FINGER_JOINTS:
        assert arm(transferred, "EIP", joint, 0.3) == pytest.approx(0.0, abs=1e-7)
    assert arm(healthy, "EIP", "mcp2_flexion", 0.3) < -1e-3
    # Its own course over the wrist stays.
    for joint in ("flexion", "deviation"):
        assert abs(arm(transferred, "EIP", joint, 0.0) - arm(healthy, "EIP", joint, 0.0)) < 2.5e-3


def test_a_transferred_muscle_is_tensioned_anew(tables, transferred):
    """Normalised fibre length 1 at rest, and within the range over all postures."""
    changed = apply_condition(tables, find_condition("transfer:EIP>EPL"))
    fibre = fit_fibres(changed)["EIP"]
    data = mujoco.MjData(transferred)
    for row in changed.joints:
        data.qpos[transferred.joint(f"{row.joint}_r").qposadr[0]] = row.rest
    mujoco.mj_kinematics(transferred, data)
    mujoco.mj_comPos(transferred, data)
    mujoco.mj_tendon(transferred, data)
    length = data.ten_length[transferred.tendon("EIP_r").id]
    assert (length - fibre.lts) / fibre.l0 == pytest.approx(1.0, abs=1e-6)
    for end in (fibre.shortest, fibre.longest):
        assert CORNER_RANGE[0] - 1e-9 <= (end - fibre.lts) / fibre.l0 <= CORNER_RANGE[1] + 1e-9


@pytest.mark.parametrize(
    ("donor", "recipient", "kept"),
    [
        ("EIP", "EPL", "EIP_wb"),  # a finger muscle crosses the wrist on its own course
        ("FDS4", "APB", "FDS4_wb"),
        ("PL", "EPL", "PL-P1"),  # a wrist muscle crosses it on the recipient's
        ("PT", "ECRB", "PT_u"),
        ("ADM", "APB", "UI_UB5-P1"),  # a muscle of the hand keeps its origin
    ],
)
def test_known_transfers_can_be_built(tables, donor, recipient, kept):
    changed = transfer_tendon(tables, Transfer(donor, recipient))
    path = paths_of(changed, donor)
    own = paths_of(tables, donor)
    expected_path = paths_of(tables, recipient)
    cut = path.index(kept) + 1
    assert path[:cut] == own[:cut]
    assert path[cut:] == expected_path[len(expected_path) - len(path[cut:]) :]
    assert len(path) > cut
    assert silent_muscles(changed) == {recipient}
    for row in tables.muscles:
        if row.muscle != donor:
            assert paths_of(changed, row.muscle) == paths_of(tables, row.muscle)
    assert load_hand(tables=changed).nu == len(tables.muscles)


def test_conditions_combine(tables):
    combined = combine(
        Condition("a", "one", drive={"FDP2": 0.5, "FPL": 0.2}, stiffness={"flexion": 0.1}),
        Condition(
            "b", "two", drive={"FDP2": 0.5}, stiffness={"flexion": 0.2}, fatigue=FatigueParameters()
        ),
    )
    assert combined.drive == {"FDP2": 0.25, "FPL": 0.2}
    assert combined.stiffness["flexion"] == pytest.approx(0.3)
    assert (combined.name, combined.description) == ("a+b", "one; two")
    assert combined.fatigue == FatigueParameters()


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4, unique=True))
def test_joined_texts_are_the_combination_of_their_parts(texts):
    assert find_condition(" + ".join(texts)) == combine(*(find_condition(text) for text in texts))


WORDS = st.sampled_from(
    [
        *TEXTS,
        *FORMS,
        "weak",
        "stiff",
        "transfer",
        ":",
        "=",
        ">",
        ",",
        "+",
        "nan",
        "1e999",
        "FDP2",
        "",
    ]
)


@given(st.lists(WORDS, max_size=6).map("".join) | st.text(max_size=30))
def test_any_text_is_a_condition_or_one_line_that_says_why_not(tables, text):
    changed = None
    problem = ""
    try:
        changed = apply_condition(tables, find_condition(text))
    except MusclehandError as error:
        problem = str(error)
    assert (changed is None) == bool(problem)
    if changed is not None:
        assert changed.muscle_names == tables.muscle_names
        assert all(0.0 <= row.drive <= 1.0 and row.f0 > 0.0 for row in changed.muscles)


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("ulnar-plasy", UnknownName, "ulnar-palsy"),
        ("", UnknownName, "median-palsy"),
        ("weak:FDP9=0.5", UnknownName, "FDP"),
        ("stiff:mcp9=0.5", UnknownName, "joint"),
        ("transfer:EIP>EPX", UnknownName, "EPL"),
        ("weak:FDP2=1.5", InvalidValue, "0 to 1"),
        ("weak:FDP2=nan", InvalidValue, "nan"),
        ("atrophy:FDP2=0", InvalidValue, "0.01"),
        ("stiff:mcp2_flexion=-1", InvalidValue, "0 to 10"),
        ("fatigue=2", InvalidValue, "0 to 1"),
        ("transfer:EIP", InvalidValue, "DONOR>RECIPIENT"),
        ("transfer:EIP>EIP", InvalidValue, "another"),
        ("transfer:EIP>PT", InvalidValue, "hand"),
        ("transfer:EIP>EPL,EIP>FPL", InvalidValue, "once"),
        ("weak:FDP2=0.5,FDP2=0.5", InvalidValue, "once"),
    ],
)
def test_wrong_conditions_say_what_is_wrong(tables, text, error, match):
    with pytest.raises(error, match=match):
        apply_condition(tables, find_condition(text))


def test_conditions_made_by_hand_are_checked_too(tables):
    for wrong in (
        Condition("a", "", drive={"FDP2": 1.5}),
        Condition("b", "", strength={"FDP2": 0.0}),
        Condition("c", "", stiffness={"flexion": float("nan")}),
    ):
        with pytest.raises(InvalidValue):
            apply_condition(tables, wrong)
