"""Finds the keyboard in the pictures of a film, and the camera that shows it so.

The median of pictures over the film removes the hands. Rows of it are correlated with the pattern
of the keys (`watch.row_search`); a camera is fitted to light and dark and then to the edges of keys
(`watch.view_fit`). Where the keyboard ends tells which keys they are. A keyboard that does not look
like one in the end is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH, NUM_KEYS, is_on_keyboard, pitch_name
from musclehand.watch.key_pattern import OCTAVE, key_pattern
from musclehand.watch.key_run import KeyRun, find_run
from musclehand.watch.row_search import RowMatch, match_rows
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_contacts import Contacts, refine_view
from musclehand.watch.view_corners import corners_of, view_of_corners
from musclehand.watch.view_fit import BLURS, Pose, fit_edges, fit_light, likeness, settle_depth

MOST_PICTURES = 40
"""Pictures of which the median is taken; more do not make it better."""

LEAST_SIZE = (320, 180)
"""[pixels] Least width and height of a picture; a black key is 2 pixels wide."""

LARGEST_SIDE = 8192
"""[pixels] Largest width and height of a picture."""

LEAST_SHARE = 0.8
"""Least share of keys that look as they should; hands that rest hide up to a fifth."""

LEAST_KEYS = 24
"""Least number of keys in the picture: two octaves, in which the pattern is plain."""

LEAST_LIKENESS = 0.6
"""Least correlation of light and dark after the fit; noise and stripes reach 0.4."""

LEAST_EDGES = 0.75
"""Least share of edges that are found; hands and shadows leave nine in ten."""

LARGEST_RESIDUAL = 0.002
"""[m] Largest residual of edges."""

KEYBOARDS = {88: 21, 85: 21, 76: 28, 73: 28, 61: 36, 49: 36}
"""Lowest pitch of usual keyboards by their number of keys."""

_TILTS_DEG = (8.0, -5.0, -18.0, -32.0)
_FOVY_DEG = (25.0, 40.0, 60.0)
_DEPTHS = (0.065, 0.085, 0.105, 0.125, 0.14)
_STARTS = 4

HAND_ERROR = 0.02
"""Largest error of a corner by hand, by the width of the picture; half of a white key is 0.01."""

SLACK = 3
"""Keys by which a lowest key that a person names may be off the first that can be made out; a
hand over the outermost keys hides as many."""


class KeyboardNotFound(MusclehandError):
    """No keyboard was found in the pictures, or not which keys they show; says what helps."""


class _Found(NamedTuple):
    """A keyboard in a picture."""

    view: KeyboardView
    """The camera; its residual is that of the edges."""

    run: KeyRun
    """Its keys."""

    likeness: float
    """Correlation of light and dark."""

    edges: float
    """Share of edges that were found."""

    @property
    def sure(self) -> bool:
        """The picture shows this keyboard without doubt."""
        return (
            self.run.share >= LEAST_SHARE
            and self.run.size >= LEAST_KEYS
            and self.likeness >= LEAST_LIKENESS
            and self.edges >= LEAST_EDGES
            and self.view.residual <= LARGEST_RESIDUAL
        )


def find_keyboard(
    pictures: Sequence[np.ndarray],
    *,
    corners: np.ndarray | None = None,
    lowest: int | None = None,
    highest: int | None = None,
    contacts: Contacts | None = None,
) -> KeyboardView:
    """Finds the keyboard and the camera of a film.

    Args:
        pictures: of the whole film, in which hands are in several places; at most `MOST_PICTURES`
            of them are used. Each of shape (height, width, 3), uint8.
        corners: corners of the white keys in the picture [pixels], back left, back right, front
            right, front left; None: they are looked for. Shape (4, 2).
        lowest: MIDI pitch of the lowest key in the picture; None: the keyboard's ends tell.
        highest: MIDI pitch of the highest key in the picture; None: it follows.
        contacts: touches of known keys, which make the distance of the camera exact.

    Raises:
        KeyboardNotFound: there is no keyboard, it is hidden, upside down or mirrored, or it is not
            told which keys the picture shows.
        InvalidValue: pictures, corners or pitches are not usable.
    """
    for name, pitch in (("lowest", lowest), ("highest", highest)):
        if pitch is not None and not is_on_keyboard(pitch):
            raise InvalidValue(f"{name} key", pitch, f"{LOWEST_PITCH}..{HIGHEST_PITCH}")
    still = still_picture(pictures)
    if corners is not None:
        view = _from_corners(still, corners, lowest, highest)
    else:
        found = _search(still)
        shift = _octaves(found.run, lowest, highest)
        view = _named(found, shift)
    return view if contacts is None else refine_view(view, contacts)


def still_picture(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The median of pictures, in which moving hands vanish.

    Args:
        pictures: each of shape (height, width, 3), uint8.

    Returns:
        Shape (height, width, 3), float.

    Raises:
        InvalidValue: there is no picture, or their shapes are not legal or differ.
    """
    if not len(pictures):
        raise InvalidValue("pictures", 0, "1 or more")
    shape = np.shape(pictures[0])
    if len(shape) != 3 or shape[2] != 3 or any(np.shape(p) != shape for p in pictures):
        raise InvalidValue("shape of pictures", shape, "(height, width, 3), the same for all")
    height, width = shape[:2]
    if width < LEAST_SIZE[0] or height < LEAST_SIZE[1] or max(width, height) > LARGEST_SIDE:
        least = f"{LEAST_SIZE[0]}x{LEAST_SIZE[1]}"
        raise InvalidValue("size of pictures", f"{width}x{height}", f"{least} to {LARGEST_SIDE}")
    chosen = np.linspace(0, len(pictures) - 1, min(len(pictures), MOST_PICTURES)).round()
    used = [pictures[int(index)] for index in np.unique(chosen)]
    still = np.empty(shape)
    rows = max(1, 20_000_000 // (width * 3 * len(used)))
    for top in range(0, height, rows):
        still[top : top + rows] = np.median(
            np.stack([picture[top : top + rows] for picture in used]), axis=0
        )
    return still


def _search(still: np.ndarray) -> _Found:
    """The keyboard in a picture.

    Raises:
        KeyboardNotFound: there is none, or it is turned or mirrored.
    """
    grey = still.mean(axis=2)
    if float(grey.std()) < 2.0:
        raise KeyboardNotFound("no keyboard was found: the pictures are all of one brightness")
    matches = match_rows(grey)
    upright = _fit(still, matches)
    if upright is not None and upright.sure:
        return upright
    flipped = [
        match._replace(
            angle=-match.angle, pixel=np.array([match.pixel[0], len(grey) - match.pixel[1]])
        )
        for match in matches
    ]
    turned = _fit(still[::-1], flipped)
    if turned is not None and turned.sure:
        raise KeyboardNotFound(
            "the keyboard is upside down in the picture, black keys below white ones' fronts; "
            "turn the film by 180 degrees, the player is to be below"
        )
    raise KeyboardNotFound(_doubt(upright, matches[0]))


def _doubt(found: _Found | None, match: RowMatch) -> str:
    """Why a keyboard is not believed, in words."""
    advice = "film from above with all of the keys' depth in view, or give four corners"
    if found is None:
        return f"no keyboard was found (best correlation {match.score:.2f}); {advice}"
    run = found.run
    if run.size >= LEAST_KEYS and run.share < LEAST_SHARE and found.likeness > LEAST_LIKENESS:
        return (
            f"the keyboard is hidden: {run.share:.0%} of {run.size} keys can be made out; {advice}"
        )
    return (
        f"no keyboard was found: {run.share:.0%} of {run.size} keys look like keys, correlation "
        f"{found.likeness:.2f}, {found.edges:.0%} of edges, "
        f"{1000 * found.view.residual:.1f} mm off; {advice}"
    )


def _fit(still: np.ndarray, matches: Sequence[RowMatch]) -> _Found | None:
    """The camera that fits best from the places that rows told."""
    grey = still.mean(axis=2)
    blurred = gaussian_filter(grey, BLURS[0] * matches[0].scale)
    keys = (0, NUM_KEYS - 1)
    starts = [pose for match in matches for pose in _starts(match, (grey.shape[1], grey.shape[0]))]
    starts.sort(key=lambda pose: -likeness(pose.view(), blurred, keys))
    aligned = [fit_light(pose, grey, keys) for pose in starts[:_STARTS]]
    pose = max(aligned, key=lambda pose: likeness(pose.view(), blurred, keys))
    run = find_run(pose.view(), still)
    for _ in range(2):
        if run is None or run.size < OCTAVE:
            return None
        pose = _anchored(fit_light(pose, grey, run.keys), run)
        fit = fit_edges(settle_depth(pose, grey, run.keys), grey, run.keys)
        if not np.isfinite(fit.residual):
            return None
        pose = fit.pose
        run = find_run(pose.view(), still)
    if run is None:
        return None
    view = replace(pose.view(), residual=fit.residual)
    return _Found(view, run, likeness(view, blurred, run.keys), fit.share)


def _starts(match: RowMatch, size: tuple[int, int]) -> list[Pose]:
    """Cameras that show the black keys where a row of the picture crosses them."""
    roll = Rotation.from_rotvec([0.0, 0.0, match.angle])
    poses = []
    for tilt, fovy, depth in product(_TILTS_DEG, _FOVY_DEG, _DEPTHS):
        turn = (roll * Rotation.from_rotvec([np.radians(tilt), 0.0, 0.0])).as_rotvec()
        focal = 0.5 * size[1] / np.tan(np.radians(fovy) / 2)
        numbers = np.array([np.log(focal), *turn, *match.pixel, np.log(match.scale)])
        poses.append(Pose(numbers, np.array([0.0, depth, key_pattern().rise]), size))
    return poses


def _anchored(pose: Pose, run: KeyRun) -> Pose:
    """The same camera, held by the middle of the keys in the picture."""
    rows = key_pattern().rows(run.first, run.last)
    x = float(key_pattern().x[rows].mean())
    return Pose.of(pose.view(), np.array([x, 0.5 * key_pattern().back, 0.0]))


def _octaves(run: KeyRun, lowest: int | None, highest: int | None) -> int:
    """Octaves that all keys of a run lie higher than the pattern's.

    Raises:
        KeyboardNotFound: neither the ends of the keyboard nor a person tells which keys they are,
            or the picture is mirrored.
    """
    first, last = run.first + LOWEST_PITCH, run.last + LOWEST_PITCH
    for name, pitch, shown in (("lowest", lowest, first), ("highest", highest, last)):
        if pitch is None:
            continue
        octaves = round((pitch - shown) / OCTAVE)
        if abs(pitch - shown - octaves * OCTAVE) > SLACK:
            raise KeyboardNotFound(
                f"the {name} key in the picture is a {_letter(shown)}, not {pitch_name(pitch)}"
            )
        return octaves
    if run.left_end and run.right_end:
        standard = KEYBOARDS.get(run.size)
        if standard is not None and (standard - first) % OCTAVE == 0:
            return (standard - first) // OCTAVE
        # Seen in a mirror, the pattern is its own image about every D, which has pitch class 2.
        if standard is not None and (4 - standard - run.size + 1 - first) % OCTAVE == 0:
            raise KeyboardNotFound(
                f"the picture is mirrored: its {run.size} keys go from {_letter(first)} to "
                f"{_letter(last)}, which is a piano seen in a mirror; mirror the film back"
            )
    # So many keys fit on a piano in one place only.
    fitting = [
        octaves
        for octaves in range(-4, 5)
        if first + OCTAVE * octaves >= LOWEST_PITCH and last + OCTAVE * octaves <= HIGHEST_PITCH
    ]
    if run.size > NUM_KEYS - OCTAVE and len(fitting) == 1:
        return fitting[0]
    raise KeyboardNotFound(
        f"the picture shows {run.size} keys from a {_letter(first)} to a {_letter(last)}, which "
        "may be in several octaves; name the lowest of them, such as --lowest C2"
    )


def _letter(pitch: int) -> str:
    """The name of a pitch without its octave."""
    return pitch_name(pitch).rstrip("-0123456789")


def _named(found: _Found, octaves: int) -> KeyboardView:
    """The camera beside a piano on which the keys have their own places."""
    lowest = found.run.first + LOWEST_PITCH + OCTAVE * octaves
    highest = found.run.last + LOWEST_PITCH + OCTAVE * octaves
    if not (is_on_keyboard(lowest) and is_on_keyboard(highest)):
        raise KeyboardNotFound(
            f"the picture shows {found.run.size} keys; with {pitch_name(max(lowest, 0))} as the "
            "lowest they go beyond the 88 of a piano"
        )
    shift = np.array([octaves * key_pattern().octave, 0.0, 0.0])
    position = found.view.position + shift
    return replace(found.view, position=position, lowest=lowest, highest=highest)


def _from_corners(
    still: np.ndarray, corners: np.ndarray, lowest: int | None, highest: int | None
) -> KeyboardView:
    """A camera from corners by hand, made exact by the edges of keys where they are plain."""
    size = (still.shape[1], still.shape[0])
    view = view_of_corners(corners, size, lowest, highest)
    middle = np.array([0.0, 0.7 * key_pattern().back, key_pattern().rise])
    aside = np.array([0.1, 0.0, 0.0])
    across = view.to_pixels(middle + aside) - view.to_pixels(middle - aside)
    match = RowMatch(
        score=1.0,
        angle=float(np.arctan2(across[1], across[0])),
        scale=float(np.linalg.norm(across)) / 0.2,
        pixel=view.to_pixels(middle),
    )
    found = _fit(still, [match])
    if found is None or not found.sure:
        return view
    octaves = round((view.lowest - LOWEST_PITCH - found.run.first) / OCTAVE)
    named = _named(found, octaves)
    world = corners_of(view.lowest, view.highest)
    off = np.linalg.norm(named.to_pixels(world) - np.asarray(corners, dtype=float), axis=1)
    return named if off.max() <= HAND_ERROR * size[0] else view
