"""Results of a followed clip: the motion as a clip, figures, a picture, and a film.

write_followed(follow(clip, policy.act, policy.config), "tracked", controller="policy")
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS
from musclehand.core.atomic import temporary_path, write_file
from musclehand.motion.clip import write_clips

if TYPE_CHECKING:
    from musclehand.envs.tracking.follow import FollowedClip

__all__ = ["draw_followed", "film_followed", "followed_figures", "write_followed"]

MOTION = "followed.h5"
FIGURES = "tracking.json"
PICTURE = "tracking.png"
FILM = "tracking.mp4"
"""Names of the files in the folder of the results."""

SHOWN_JOINTS = 5
"""Number of joints in the picture, those that move most."""

SHOWN_MUSCLES = 6
"""Number of muscles in the picture, those with the highest mean activation."""


def write_followed(
    followed: FollowedClip, folder: str | PathLike[str], *, controller: str, video: bool = False
) -> dict[str, Any]:
    """Writes all results to a folder, which has to be there.

    Args:
        followed: the motion of the hand and its reference.
        folder: of the results.
        controller: name of what acted, for the origin of the clip.
        video: make a film as well, which needs OpenGL.

    Returns:
        The figures (`followed_figures`).

    Raises:
        OutputError: a file cannot be written, or OpenGL is missing.
    """
    folder = Path(folder)
    name = followed.clip.name
    source = {"made": f"followed by {controller}", "clip": name, "licence": "as the clip's"}
    write_clips(folder / MOTION, [followed.as_clip(name, source)])
    figures = followed_figures(followed)
    write_file(folder / FIGURES, json.dumps(figures, indent=1))
    draw_followed(followed, folder / PICTURE)
    if video:
        film_followed(followed, folder / FILM)
    return figures


def followed_figures(followed: FollowedClip) -> dict[str, Any]:
    """Figures of a followed clip by name; units are part of the names."""
    clip = followed.clip
    tip_errors = followed.tip_errors
    joint_errors = followed.angles - followed.reference
    return {
        "clip": clip.name,
        "kind": clip.kind,
        "side": clip.side.name.lower(),
        "seconds_followed": round(float(followed.time[-1]), 3),
        "seconds_asked": round(clip.duration, 3),
        "failed": followed.failed,
        "joint_rmse_deg": float(np.degrees(np.sqrt(np.mean(np.square(joint_errors))))),
        "tip_error_mm_mean": float(1e3 * tip_errors.mean()),
        "tip_error_mm_p95": float(1e3 * np.percentile(tip_errors, 95)),
        "mean_activation": float(followed.activations.mean()),
    }


def draw_followed(followed: FollowedClip, path: str | PathLike[str]) -> None:
    """Draws the joints that move most with their references, fingertip errors, and activations.

    Args:
        followed: to draw.
        path: of the picture.

    Raises:
        OutputError: it cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 2))
    time = followed.time
    most = np.argsort(-np.ptp(followed.reference, axis=0))[:SHOWN_JOINTS]
    for place, joint in enumerate(most):
        colour = f"C{place}"
        reference = np.degrees(followed.reference[:, joint])
        angle = np.degrees(followed.angles[:, joint])
        upper.plot(time, reference, color=colour, linewidth=2.5, alpha=0.35)
        upper.plot(time, angle, color=colour, linewidth=1.0, label=HAND_JOINTS[joint])
    upper.set_ylabel("angle [deg]; wide: reference")
    for digit, errors in zip(DIGITS, followed.tip_errors.T, strict=True):
        middle.plot(time, 1e3 * errors, linewidth=1.0, label=digit)
    middle.set_ylabel("fingertip error [mm]")
    strongest = np.argsort(-followed.activations.mean(axis=0))[:SHOWN_MUSCLES]
    for muscle in strongest:
        activation = followed.activations[:, muscle]
        lower.plot(time, activation, linewidth=1.0, label=followed.muscles[muscle])
    lower.set_ylabel("activation")
    lower.set_xlabel("time [s]")
    for axes in (upper, middle, lower):
        axes.legend(
            fontsize=7, ncols=6, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False
        )
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{followed.clip.kind}, {followed.clip.side.name.lower()} hand")
    with temporary_path(path) as part:
        figure.savefig(part, dpi=130)


def film_followed(followed: FollowedClip, path: str | PathLike[str]) -> None:
    """Films the hand, with its reference as a ghost.

    Args:
        followed: to film.
        path: of the film (MP4).

    Raises:
        OutputError: OpenGL is missing, or the film cannot be written.
    """
    from musclehand.sim.render.following import Following, film_following

    clip = followed.clip
    shown = Following(
        side=clip.side,
        dt=followed.dt,
        angles=followed.angles,
        forearm=followed.forearm,
        activations=followed.activations,
        reference_angles=followed.reference,
        reference_forearm=followed.reference_forearm,
    )
    film_following(Path(path), shown, caption=f"{clip.kind} {clip.name}")
