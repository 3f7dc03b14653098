"""`musclehand track`: a muscle-driven hand follows a clip of motion, driven by a policy or by
its teacher."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import FileError, InvalidValue, UnknownName

if TYPE_CHECKING:
    from musclehand.envs.tracking.follow import FollowedClip
    from musclehand.motion.clip import MotionClip

CONTROLLERS = ("policy", "teacher")

_NO_DEFAULT = ""


@dataclass(frozen=True)
class TrackArgs:
    """Have a muscle-driven hand follow a clip of motion, without a piano.

    CLIP is a file of clips (a shard of `musclehand corpus`, or what `musclehand retarget` wrote),
    with the name of one after a colon, or its first one. The folder DIR gets what the hand did
    (followed.h5, a clip with the activations of 46 muscles), figures (tracking.json, tracking.png)
    and, with --video, a film with the motion wanted as a ghost.

    For example:
      musclehand track corpus/shard_00000.h5
      musclehand track corpus/shard_00000.h5:0000003_r --video
      musclehand track hands.h5 --controller teacher
      musclehand track hands.h5 --policy runs/track_hand/policy/000001.json
    """

    clip: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="CLIP")]]
    """File of clips, FILE.h5 or FILE.h5:NAME."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("tracked")
    """Folder for the results."""

    controller: Annotated[str, tyro.conf.arg(metavar="policy|teacher")] = "policy"
    """Who drives the muscles: a network that has learnt it, or computed muscle control."""

    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Another policy than the one that comes along, by its JSON file."""

    seconds: Annotated[float | None, tyro.conf.arg(metavar="S", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Only the first S seconds."""

    video: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Make a film as well (tracking.mp4)."""


def track(args: TrackArgs) -> None:
    """`musclehand track`.

    Raises:
        MusclehandError: the clip, the policy or the folder is not usable.
    """
    import numpy as np

    from musclehand.cli.console import open_console, say
    from musclehand.envs.tracking.evaluation import Actor, follow_teacher
    from musclehand.envs.tracking.follow import follow
    from musclehand.motion.clip import write_clips
    from musclehand.performance.report import prepare_folder
    from musclehand.policies.tracking import load_tracking_policy

    if args.controller not in CONTROLLERS:
        raise UnknownName("controller", args.controller, CONTROLLERS)
    act: Actor = follow_teacher
    config = None
    if args.controller == "policy":
        loaded = load_tracking_policy(args.policy)
        act = loaded.act
        config = loaded.config
    clip = open_clip(args.clip, args.seconds)
    prepare_folder(args.out)
    followed = follow(clip, act, config)
    source = {
        "made": f"followed by {args.controller}",
        "clip": f"{clip.name}",
        "licence": "as the clip's",
    }
    write_clips(args.out / "followed.h5", [followed.as_clip(clip.name, source)])
    errors = followed.tip_errors
    figures = {
        "clip": clip.name,
        "kind": clip.kind,
        "side": clip.side.name.lower(),
        "seconds_followed": round(float(followed.time[-1]), 3),
        "seconds_asked": round(clip.duration, 3),
        "failed": followed.failed,
        "joint_rmse_deg": float(
            np.degrees(np.sqrt(np.mean(np.square(followed.angles - followed.reference))))
        ),
        "tip_error_mm_mean": float(1e3 * errors.mean()),
        "tip_error_mm_p95": float(1e3 * np.percentile(errors, 95)),
        "mean_activation": float(followed.activations.mean()),
    }
    (args.out / "tracking.json").write_text(json.dumps(figures, indent=1))
    draw(followed, args.out / "tracking.png")
    if args.video:
        film(followed, args.out / "tracking.mp4", f"{clip.kind} {clip.name}")
    lost = f", lost after {figures['seconds_followed']} s" if followed.failed else ""
    say(
        open_console(),
        f"{clip.kind}, {clip.side.name.lower()} hand, {figures['seconds_followed']} s{lost}: joints "
        f"{figures['joint_rmse_deg']:.2f} deg, fingertips {figures['tip_error_mm_mean']:.2f} mm, activation "
        f"{figures['mean_activation']:.3f}. Written to {args.out}",
    )


def open_clip(text: str, seconds: float | None) -> MotionClip:
    """The clip of FILE.h5 or FILE.h5:NAME, or the first seconds of it.

    Raises:
        ClipError: the file cannot be read.
        UnknownName: there is no such clip in it.
        InvalidValue: no time.
    """
    from dataclasses import replace

    from musclehand.motion.clip import clip_names, open_clips, read_clip

    path, _, name = text.partition(":") if ".h5:" in text else (text, "", "")
    with open_clips(path) as file:
        names = clip_names(file)
        if not names:
            raise FileError(path, "holds no clip")
        if name and name not in names:
            raise UnknownName("clip", name, names)
        clip = read_clip(file, name or names[0])
    if seconds is None:
        return clip
    if not seconds > 0:
        raise InvalidValue("seconds", seconds, "above 0")
    rows = slice(0, max(1, round(seconds / clip.dt)))
    return replace(
        clip,
        qpos=clip.qpos[rows],
        qvel=clip.qvel[rows],
        forearm=clip.forearm[rows],
        fingertips=clip.fingertips[rows],
        activations=None if clip.activations is None else clip.activations[rows],
    )


def draw(followed: FollowedClip, path: Path) -> None:
    """A picture: joints that move most, wanted and reached; fingertip errors; activations."""
    import numpy as np
    from matplotlib.figure import Figure

    from musclehand.body.anatomy import DIGITS, HAND_JOINTS

    figure = Figure(figsize=(9, 8), layout="constrained")
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 2))
    time = followed.time
    most = np.argsort(-np.ptp(followed.reference, axis=0))[:5]
    for place, joint in enumerate(most):
        colour = f"C{place}"
        upper.plot(
            time, np.degrees(followed.reference[:, joint]), color=colour, linewidth=2.5, alpha=0.35
        )
        upper.plot(
            time,
            np.degrees(followed.angles[:, joint]),
            color=colour,
            linewidth=1.0,
            label=HAND_JOINTS[joint],
        )
    upper.set_ylabel("angle [deg]; wide: wanted")
    for digit, errors in zip(DIGITS, followed.tip_errors.T, strict=True):
        middle.plot(time, 1e3 * errors, linewidth=1.0, label=digit)
    middle.set_ylabel("fingertip off [mm]")
    strongest = np.argsort(-followed.activations.mean(axis=0))[:6]
    for muscle in strongest:
        lower.plot(
            time, followed.activations[:, muscle], linewidth=1.0, label=followed.muscles[muscle]
        )
    lower.set_ylabel("activation")
    lower.set_xlabel("time [s]")
    for axes in (upper, middle, lower):
        axes.legend(
            fontsize=7, ncols=6, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False
        )
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{followed.clip.kind}, {followed.clip.side.name.lower()} hand")
    figure.savefig(path, dpi=130)


def film(followed: FollowedClip, path: Path, caption: str) -> None:
    """A film of it."""
    from musclehand.sim.render.following import Following, film_following

    shown = Following(
        side=followed.clip.side,
        dt=followed.dt,
        angles=followed.angles,
        forearm=followed.forearm,
        activations=followed.activations,
        reference_angles=followed.reference,
        reference_forearm=followed.reference_forearm,
    )
    film_following(path, shown, caption=caption)
