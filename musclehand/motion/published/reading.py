"""Published motion sets as their users have them on disk: one function reads them all.

| format | file | what is read |
|---|---|---|
| `music` | `.joblib`, `.pkl` | MUSIC's motion clips (pickle: to be allowed) |
| `fuer-elise` | folder with `motion.pkl` | FuerElise's captured hands (pickle: to be allowed) |
| `rp1m` | `.zarr` folder | RP1M's rollouts, fingertips |
| `pianomime` | `.npy` | PianoMime's fingertip arrays |

PIG fingering files (`music.formats.pig`) hold a score with fingers, no motion: the planner makes
motion of them.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from musclehand.body.anatomy import Side
from musclehand.core.errors import UnknownName
from musclehand.motion.fingertip_track import FingertipTrack, MotionFileError
from musclehand.motion.published.pickled_clips import read_fuer_elise, read_music, read_pickle
from musclehand.motion.published.robopianist_sets import read_pianomime, read_rp1m

FORMATS = ("auto", "music", "fuer-elise", "rp1m", "pianomime")

_SCORES = {".mid", ".midi", ".xml", ".musicxml", ".mxl", ".txt"}


def read_tracks(
    path: str | PathLike[str],
    *,
    format: str = "auto",
    side: Side | None = None,
    allow_pickle: bool = False,
    song: str | None = None,
    take: int = 0,
) -> tuple[FingertipTrack, ...]:
    """Fingertips over time out of a published motion file.

    Args:
        path: a file or folder as in the table above.
        format: one of `FORMATS`; by default found by the name.
        side: which hand: needed where neither the file nor its name says it, else only this hand is
            read.
        allow_pickle: opens formats that are pickles; only their numbers are read, nothing in them
            is run.
        song: which song of an RP1M folder.
        take: which rollout of the song.

    Raises:
        MotionFileError: the file is damaged, of another layout, or may not be opened.
        UnknownName: there is no such format.
    """
    path = Path(path)
    if format not in FORMATS:
        raise UnknownName("motion format", format, available=FORMATS)
    kind = find_format(path) if format == "auto" else format
    if kind == "rp1m":
        return read_rp1m(path, side=side, song=song, take=take)
    if song is not None or take != 0:
        raise MotionFileError(path, "a song or rollout is chosen, which only RP1M has")
    readers = {
        "music": read_music,
        "fuer-elise": read_fuer_elise,
        "pianomime": read_pianomime,
        "pickle": read_pickle,
    }
    return readers[kind](path, side=side, allow_pickle=allow_pickle)


def find_format(path: Path) -> str:
    """The format a file has by its name; "pickle" where the content has to tell.

    Raises:
        MotionFileError: no such file, or of no format that is known.
    """
    if not path.exists():
        raise MotionFileError(path, "no such file or folder")
    if path.is_dir():
        if (path / "motion.pkl").exists():
            return "fuer-elise"
        if path.suffix == ".zarr" or (path / ".zgroup").exists() or (path / "zarr.json").exists():
            return "rp1m"
        raise MotionFileError(
            path, "a folder with neither motion.pkl (FuerElise: one piece) nor zarr data (RP1M)"
        )
    suffix = path.suffix.lower()
    if suffix in _SCORES:
        raise MotionFileError(
            path, "a score, not a motion; motion is made of it by `musclehand play`"
        )
    known = {".joblib": "music", ".pkl": "pickle", ".npy": "pianomime"}
    if suffix not in known:
        raise MotionFileError(
            path, f"unknown kind of file {suffix!r}; known: {', '.join(known)}, folders .zarr"
        )
    return known[suffix]
