"""Reading published motion sets, as their users have them on disk.

| format | file | content |
|---|---|---|
| `music` | `.joblib`, `.pkl` | motion clips of MUSIC (a pickle) |
| `fuer-elise` | folder with `motion.pkl` | captured hands of FuerElise (a pickle) |
| `rp1m` | `.zarr` folder | fingertips of RP1M's rollouts |
| `pianomime` | `.npy` | fingertip arrays of PianoMime |

Pickles have to be allowed. PIG fingering files (`music.formats.pig`) hold a score with fingers and
no motion; planning turns them into motion.
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
"""Legal values of `format`; "auto" finds it by the name of the file."""

_SCORES = {".mid", ".midi", ".xml", ".musicxml", ".mxl", ".txt"}
_BY_SUFFIX = {".joblib": "music", ".pkl": "pickle", ".npy": "pianomime"}


def read_tracks(
    path: str | PathLike[str],
    *,
    format: str = "auto",
    side: Side | None = None,
    allow_pickle: bool = False,
    song: str | None = None,
    take: int = 0,
) -> tuple[FingertipTrack, ...]:
    """Read fingertip tracks from a published motion file.

    Args:
        path: a file or folder of a format in the table of the module docstring.
        format: one of `FORMATS`.
        side: side of the hand, where neither the file nor its name says it; for files with two
            hands, only this hand is read.
        allow_pickle: open formats that are pickles; their numbers are read, and no code in them is
            run.
        song: song of an RP1M folder; needed where there are several.
        take: rollout of the song, from 0.

    Raises:
        MotionFileError: the file is damaged, has another layout, or may not be opened.
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
    """Find the format of a file by its name; "pickle" where only the content can decide.

    Raises:
        MotionFileError: there is no such file, or its format is unknown.
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
    if suffix not in _BY_SUFFIX:
        raise MotionFileError(
            path, f"unknown kind of file {suffix!r}; known: {', '.join(_BY_SUFFIX)}, folders .zarr"
        )
    return _BY_SUFFIX[suffix]
