"""Retargeting of published motion files: all tracks of a file become clips of our hand."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.progress import Progress
from musclehand.motion.clip import MotionClip
from musclehand.motion.fingertip_track import FingertipTrack
from musclehand.motion.published.reading import read_tracks
from musclehand.motion.retarget import RetargetError, retarget


class RetargetedTrack(NamedTuple):
    """A track of a published motion file, followed by our hand."""

    track: FingertipTrack
    """Fingertips of the file."""

    clip: MotionClip
    """Motion of our hand."""

    error: RetargetError
    """Fingertip errors of our hand."""

    @property
    def peak_joint_speed(self) -> float:
        """[rad/s] Fastest movement of any joint.

        Joints have limits of angle, but none of speed: motion beyond the speed of a hand shows
        here.
        """
        return float(abs(self.clip.qvel).max())


def retarget_published(
    path: str | PathLike[str],
    *,
    format: str = "auto",
    side: Side | None = None,
    allow_pickle: bool = False,
    song: str | None = None,
    take: int = 0,
    scale: float | None = 1.0,
    design: HandDesign | None = None,
    progress: Progress | None = None,
) -> tuple[RetargetedTrack, ...]:
    """Retarget all tracks of a published motion file to our hand.

    Args:
        path: file or folder of the data set (`musclehand.motion.published.reading`).
        format: one of `musclehand.motion.published.reading.FORMATS`.
        side: side of the hand, where neither the file nor its name says it; for files with two
            hands, only this hand is read.
        allow_pickle: open formats that are pickles; no code in them is run.
        song: song of an RP1M folder; needed where there are several.
        take: rollout of the song, from 0.
        scale: factor by which the hand of the file is enlarged about its wrist, 0.5 to 2; None
            takes the one that our hand follows best.
        design: our hand; by default the bundled one.
        progress: called with the seconds of motion done and in all.

    Raises:
        MotionFileError: the file is damaged, has another layout, or may not be opened.
        UnknownName: there is no such format.
        InvalidValue: the scale is out of range, or a track is too long.
    """
    tracks = read_tracks(
        path, format=format, side=side, allow_pickle=allow_pickle, song=song, take=take
    )
    total = sum(track.duration for track in tracks)
    results = []
    finished = 0.0
    for track in tracks:
        report = progress and _track_progress(progress, finished, track.duration, total)
        clip, error = retarget(track, design=design, scale=scale, progress=report)
        results.append(RetargetedTrack(track, clip, error))
        finished += track.duration
    return tuple(results)


def _track_progress(progress: Progress, start: float, duration: float, total: float) -> Progress:
    """Progress in steps of a track, reported as seconds of motion of all tracks."""
    return lambda done, steps: progress(start + duration * done / steps, total)
