"""Reference motions: within limits and speeds, smooth, what they say they are, and the same
every time."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import (
    DIP_PER_PIP,
    FINGER_NUMBERS,
    INDEPENDENT_JOINTS,
    WRIST_JOINTS,
    Side,
)
from musclehand.body.build.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue
from musclehand.motion.reference import (
    LENGTH,
    MINIMUM_JERK_PEAK,
    PAUSE,
    SHARES,
    SPEED_LIMIT,
    WRIST_SPEED_LIMIT,
    common_limits,
    minimum_jerk,
    reference_motions,
)

FINE = 0.001


def limits():
    rows = np.deg2rad([[-77, 77], [-7, 19], [-42, 42], [-26, 37], [-17, 37], [-42, 12], [-72, 12]])
    finger = np.deg2rad([[3, 87], [-12, 12], [3, 87]])
    return np.vstack([rows, *[finger] * 4])


@pytest.fixture(scope="module")
def motions():
    return reference_motions(limits(), seconds=60.0)


@pytest.fixture(scope="module")
def fine():
    return reference_motions(limits(), seconds=20.0, dt=FINE)


def column(motion, joint):
    return motion.angles[:, INDEPENDENT_JOINTS.index(joint)]


def test_five_minutes_by_default_in_the_shares_given():
    everything = reference_motions(limits())
    assert sum(motion.duration for motion in everything) == pytest.approx(300.0, abs=0.3)
    for kind, share in SHARES.items():
        own = [motion.duration for motion in everything if motion.kind == kind]
        assert sum(own) == pytest.approx(300.0 * share, abs=0.2)
        assert max(own) < 1.5 * LENGTH
    assert len({motion.name for motion in everything}) == len(everything)


def test_nothing_leaves_limits_or_speeds(motions):
    wrist = np.isin(INDEPENDENT_JOINTS, WRIST_JOINTS)
    for motion in motions:
        assert (
            motion.angles.shape
            == motion.speeds.shape
            == (round(motion.duration / motion.dt) + 1, len(INDEPENDENT_JOINTS))
        )
        assert (motion.angles >= limits()[:, 0]).all()
        assert (motion.angles <= limits()[:, 1]).all()
        fastest = np.abs(motion.speeds).max(axis=0)
        assert (fastest <= np.where(wrist, WRIST_SPEED_LIMIT, SPEED_LIMIT) + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(
    centre=st.lists(
        st.floats(-1.5, 1.5), min_size=len(INDEPENDENT_JOINTS), max_size=len(INDEPENDENT_JOINTS)
    ),
    width=st.lists(
        st.floats(0.02, 2.0), min_size=len(INDEPENDENT_JOINTS), max_size=len(INDEPENDENT_JOINTS)
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_limits_are_kept(centre, width, seed):
    edges = np.array(centre)[:, None] + np.array(width)[:, None] * [-0.5, 0.5]
    for motion in reference_motions(edges, seconds=10.0, dt=0.02, seed=seed):
        assert (motion.angles >= edges[:, 0]).all()
        assert (motion.angles <= edges[:, 1]).all()
        # Had angles been clipped, speeds would not belong to them any more.
        steps = np.diff(motion.angles, axis=0)
        means = 0.5 * (motion.speeds[1:] + motion.speeds[:-1]) * motion.dt
        assert np.abs(steps.sum(axis=0) - means.sum(axis=0)).max() < 0.02


def test_speeds_are_the_derivatives(fine):
    for motion in fine:
        central = (motion.angles[2:] - motion.angles[:-2]) / (2 * FINE)
        assert (
            np.abs(central - motion.speeds[1:-1]).max()
            < 2e-3 * max(1.0, np.abs(motion.speeds).max()) + 1e-2
        )


def test_acceleration_has_no_jump():
    """Its change from sample to sample shrinks with the step: half of it at half the step."""
    jumps = []
    for dt in (2 * FINE, FINE):
        parts = [
            np.diff(motion.speeds, 2, axis=0) / dt
            for motion in reference_motions(limits(), seconds=20.0, dt=dt)
        ]
        jumps.append(max(np.abs(part).max() for part in parts))
    assert jumps[1] < 0.6 * jumps[0]


def test_they_begin_and_end_at_rest(motions):
    for motion in motions:
        still = round(0.9 * PAUSE / motion.dt)
        for part in (slice(0, still), slice(-still, None)):
            assert not motion.speeds[part].any()
            assert np.ptp(motion.angles[part], axis=0).max() < 1e-12


def test_the_same_again_and_others_from_another_seed(motions):
    for original, repeated in zip(motions, reference_motions(limits(), seconds=60.0), strict=True):
        assert original.name == repeated.name
        assert np.array_equal(original.angles, repeated.angles)
        assert np.array_equal(original.speeds, repeated.speeds)
    moved = reference_motions(limits(), seconds=60.0, seed=1)
    assert any(
        np.abs(original.angles - shifted.angles).max() > 0.1
        for original, shifted in zip(motions, moved, strict=True)
    )


def test_a_stroke_is_of_least_jerk():
    """Rest to rest with the peak speed and the symmetry of the closed form; its rate is its
    derivative."""
    time = np.linspace(0, 2, 4001)
    place, rate = minimum_jerk(time, 0.5, 1.5)
    assert place[[0, -1]] == pytest.approx([0, 1])
    assert place + place[::-1] == pytest.approx(np.ones_like(time))
    assert rate.max() == pytest.approx(MINIMUM_JERK_PEAK, rel=1e-6)
    assert np.gradient(place, time)[1:-1] == pytest.approx(rate[1:-1], abs=1e-5)


def test_taps_are_of_one_finger_at_a_time_and_grow(motions):
    motion = next(motion for motion in motions if motion.kind == "taps")
    knuckles = [column(motion, f"mcp{finger}_flexion") for finger in FINGER_NUMBERS]
    moving = np.array([np.abs(angle - angle[0]) > np.deg2rad(0.5) for angle in knuckles])
    assert moving.any(axis=1).all()
    assert moving.sum(axis=0).max() == 1
    angle = np.rad2deg(knuckles[2] - knuckles[2][0])
    peaks = angle[1:-1][(angle[1:-1] > angle[:-2]) & (angle[1:-1] >= angle[2:])]
    assert len(peaks) >= 2
    assert (np.diff(peaks) > 0).all()
    assert 20.0 < peaks[-1] <= 30.0


def test_circles_go_round(motions):
    motion = next(motion for motion in motions if motion.kind == "wrist")
    middle = slice(len(motion.angles) // 4, -len(motion.angles) // 4)
    across, along = (column(motion, joint)[middle] for joint in ("deviation", "flexion"))
    turned = np.unwrap(
        np.arctan2(
            (across - across.mean()) / np.ptp(across), (along - along.mean()) / np.ptp(along)
        )
    )
    assert abs(turned[-1] - turned[0]) > 2 * np.pi
    assert np.rad2deg(np.ptp(along)) > 40.0


def test_grasps_close_and_open_against_the_thumb(motions):
    motion = next(motion for motion in motions if motion.kind == "grasps")
    bend = np.mean([column(motion, f"mcp{finger}_flexion") for finger in FINGER_NUMBERS], axis=0)
    assert np.rad2deg(bend.max()) > 45.0
    assert np.rad2deg(bend.min()) < 10.0
    opposed = np.rad2deg(column(motion, "cmc_abduction"))
    assert opposed[bend.argmax()] > opposed[bend.argmin()] + 10.0


def test_postures_use_the_range(motions):
    used = np.vstack([motion.angles for motion in motions if motion.kind == "postures"])
    share = np.ptp(used, axis=0) / np.ptp(limits(), axis=1)
    assert np.median(share) > 0.6


def test_common_limits_are_those_of_the_narrower_hand():
    model = load_hand(Side.RIGHT)
    hand = HandIndex.from_model(model, Side.RIGHT)
    alone = common_limits([(model, hand)], margin_deg=0.0)
    own = dict(zip(hand.joints, hand.limits(model), strict=True))
    assert alone[INDEPENDENT_JOINTS.index("flexion")] == pytest.approx(own["flexion"])
    assert (
        alone[INDEPENDENT_JOINTS.index("pm2_flexion"), 1]
        <= own["md2_flexion"][1] / DIP_PER_PIP + 1e-12
    )
    stiff = copy.copy(model)
    stiff.jnt_range[model.joint("flexion_r").id] = [-0.2, 0.3]
    stiff.jnt_range[model.joint("md3_flexion_r").id] = [0.0, 0.4]
    shared = common_limits([(model, hand), (stiff, hand)])
    margin = np.deg2rad(3.0)
    assert shared[INDEPENDENT_JOINTS.index("flexion")] == pytest.approx(
        [-0.2 + margin, 0.3 - margin]
    )
    assert shared[INDEPENDENT_JOINTS.index("pm3_flexion"), 1] == pytest.approx(
        0.4 / DIP_PER_PIP - margin
    )
    stiff.jnt_range[model.joint("flexion_r").id] = [1.2, 1.3]
    with pytest.raises(InvalidValue, match="common range of flexion"):
        common_limits([(model, hand), (stiff, hand)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 3.0},
        {"seconds": np.nan},
        {"dt": 0.0},
        {"dt": -1.0},
        {"dt": 1.0},
        {"limits": np.zeros((3, 2))},
    ],
)
def test_what_cannot_be_made_says_why(wrong):
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        reference_motions(**{"limits": limits(), **wrong})
