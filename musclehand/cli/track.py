"""`musclehand track`: a muscle-driven hand follows a clip of motion, driven by a policy or by its
teacher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from musclehand.core.errors import UnknownName

CONTROLLERS = ("policy", "teacher")

_NO_DEFAULT = ""


@dataclass(frozen=True)
class TrackArgs:
    """Have a muscle-driven hand follow a clip of motion, without a piano.

    CLIP is a file of clips (a shard of `musclehand corpus`, or a file of `musclehand retarget`),
    with the name of a clip after a colon, or its first one. The folder DIR gets the hand's motion
    (followed.h5, a clip with the activations of 46 muscles), figures (tracking.json, tracking.png)
    and, with --video, a film with the reference as a ghost.

    For example:
      musclehand track corpus/shard_00000.h5
      musclehand track corpus/shard_00000.h5:0000003_r --video
      musclehand track hands.h5 --controller teacher
      musclehand track hands.h5 --policy runs/track/policy/tracking.json
    """

    clip: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="CLIP")]]
    """File of clips, FILE.h5 or FILE.h5:NAME."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("tracked")
    """Folder for the results."""

    controller: Annotated[str, tyro.conf.arg(metavar="policy|teacher")] = "policy"
    """What drives the muscles: a trained network, or its teacher, computed muscle control."""

    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """JSON file of a tracking policy; the bundled one by default."""

    seconds: Annotated[float | None, tyro.conf.arg(metavar="S", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Follow only the first S seconds."""

    video: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Make a film as well (tracking.mp4)."""


def track(args: TrackArgs) -> None:
    """`musclehand track`.

    Raises:
        MusclehandError: the clip, the policy or the folder is not usable.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.envs.tracking.evaluation import Actor, follow_teacher
    from musclehand.envs.tracking.follow import follow
    from musclehand.motion.sources import load_clip
    from musclehand.performance.followed import write_followed
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
    clip = load_clip(args.clip, seconds=args.seconds)
    prepare_folder(args.out)
    followed = follow(clip, act, config)
    figures = write_followed(followed, args.out, controller=args.controller, video=args.video)
    say(open_console(), f"{_summary(figures)}. Written to {args.out}")


def _summary(figures: dict[str, Any]) -> str:
    """The figures as a sentence."""
    seconds = figures["seconds_followed"]
    lost = f", lost after {seconds} s" if figures["failed"] else ""
    return (
        f"{figures['kind']}, {figures['side']} hand, {seconds} s{lost}: "
        f"joints {figures['joint_rmse_deg']:.2f} deg, "
        f"fingertips {figures['tip_error_mm_mean']:.2f} mm, "
        f"activation {figures['mean_activation']:.3f}"
    )
