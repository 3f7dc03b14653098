"""Writes small motion files in the layouts of the published sets, from motion that is known."""

import pickle
from collections import namedtuple

import mujoco
import numpy as np

from musclehand.body.anatomy import INDEPENDENT_JOINTS, coupled_joint, coupling_ratio
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import find_naming
from musclehand.motion.published.pickled_clips import (
    ELISE_FRAME,
    ELISE_JOINTS,
    ELISE_TIPS,
    MUSIC_FIELDS,
    MUSIC_FRAME,
    MUSIC_LINKS,
    MUSIC_TIPS,
    MUSIC_WRIST,
)
from musclehand.motion.published.robopianist_sets import ROBOPIANIST_FRAME
from musclehand.motion.reference import common_limits, reference_motions

Motion = namedtuple("Motion", MUSIC_FIELDS)


def playing(model, hand, *, rate, seconds=2.0, seed=3):
    """Fingertips (T, 5, 3) and wrist (T, 3) [m] of a right hand of any model that plays over our
    keyboard."""
    limits = common_limits([(model, hand)])
    motion = next(
        m
        for m in reference_motions(limits, seconds=20, dt=1 / rate, seed=seed)
        if m.kind == "playing"
    )
    first = int(0.5 * rate)
    angles = motion.angles[first : first + int(seconds * rate) + 1]
    data = mujoco.MjData(model)
    tips = np.empty((len(angles), 5, 3))
    for frame, row in enumerate(angles):
        for place, sign, joint in zip(hand.qpos, hand.signs, hand.joints, strict=True):
            driver = coupled_joint(joint)
            data.qpos[place] = (
                sign * row[INDEPENDENT_JOINTS.index(driver or joint)] * coupling_ratio(joint)
            )
        mujoco.mj_kinematics(model, data)
        tips[frame] = data.site_xpos[hand.tips]
        if frame == 0:
            wrist = data.xanchor[model.dof_jntid[hand.dofs[hand.joints.index("flexion")]]].copy()
            forward = tips[0, 1:].mean(axis=0) - wrist
            forward /= np.linalg.norm(forward)
            across = tips[0, 4] - tips[0, 1]
            across -= forward * (forward @ across)
            across /= np.linalg.norm(across)
            rotation = np.array([across, forward, np.cross(across, forward)])
    time = np.arange(len(angles)) / rate
    path = np.stack(
        [
            0.1 + 0.1 * np.sin(time),
            -0.09 + 0.02 * np.sin(1.3 * time),
            0.05 + 0.01 * np.sin(2 * time),
        ],
        axis=1,
    )
    return (tips - wrist) @ rotation.T + path[:, None], path


def myohand():
    """MyoHand's kinematics: bones of other lengths, another thumb."""
    from musclehand.validation.specimen import open_specimens

    specimen = open_specimens("myohand", side="right")[0]
    assert isinstance(specimen.hand, HandIndex)
    assert find_naming(specimen.model).name
    return specimen.model, specimen.hand


def mirrored(points):
    return points * np.array([-1.0, 1.0, 1.0])


def music_motion(tips, wrist, rate, convert=lambda array: array):
    frames = len(tips)
    pos = np.random.default_rng(0).normal(size=(frames, MUSIC_LINKS, 3))
    pos[:, MUSIC_WRIST] = MUSIC_FRAME.from_world(wrist)
    pos[:, MUSIC_TIPS] = MUSIC_FRAME.from_world(tips)
    other_fields = (np.zeros((frames, MUSIC_LINKS, width)) for width in (4, 3, 3))
    joints = np.zeros((frames, 25))
    arrays = (pos, *other_fields, joints, joints)
    return Motion(rate, *(convert(array.astype(np.float32)) for array in arrays))


def write_music(path, clips, *, compress=0, convert=lambda array: array):
    import joblib

    joblib.dump([music_motion(*clip, convert) for clip in clips], path, compress=compress)


def write_elise(folder, right, left, *, protocol=4):
    folder.mkdir(exist_ok=True)
    content = {}
    for name, (tips, wrist) in (("right", right), ("left", left)):
        joints = np.random.default_rng(1).normal(size=(len(tips), ELISE_JOINTS, 3))
        joints[:, 0] = ELISE_FRAME.from_world(wrist)
        joints[:, ELISE_TIPS] = ELISE_FRAME.from_world(tips)
        verts = np.zeros((len(tips), 778, 3), dtype=np.float32)
        content[name] = {
            "joints": joints.astype(np.float32),
            "mano_params": {"verts": verts, "fps": 59.94},
        }
    (folder / "motion.pkl").write_bytes(pickle.dumps(content, protocol=protocol))


def write_rp1m(path, songs, *, compressor="blosc"):
    """`songs` maps names to (rollouts, T, 10, 3) in our world, right hand first."""
    import numcodecs
    import zarr

    packers = {"blosc": numcodecs.Blosc(cname="lz4"), "zlib": numcodecs.Zlib(), None: None}
    root = zarr.open_group(str(path), mode="w", zarr_format=2)
    for name, tips in songs.items():
        group = root.create_group(name)
        coordinates = (
            ROBOPIANIST_FRAME.from_world(tips).reshape(*tips.shape[:2], 30).astype(np.float32)
        )
        for array, values in (
            ("hand_fingertips", coordinates),
            ("hand_joints", np.zeros((*tips.shape[:2], 46))),
        ):
            group.create_array(
                array,
                shape=values.shape,
                chunks=(2, 25, values.shape[2]),
                dtype=values.dtype,
                compressors=packers[compressor],
            )[:] = values


def write_pianomime(path, tips, wrist):
    table = np.zeros((len(tips), 8, 6))
    table[:, :3, 0] = ROBOPIANIST_FRAME.from_world(wrist)
    table[:, :3, 1:] = ROBOPIANIST_FRAME.from_world(tips).transpose(0, 2, 1)
    table[:, 2, 0] = 0.045
    table[:, 3] = 1.0
    table[:, 7] = -1.0
    np.save(path, table)
