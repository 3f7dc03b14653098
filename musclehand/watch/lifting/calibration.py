"""What all frames of a film share: displacements of the points, size of the hand, error of points.

A sample of frames of both hands is solved together with what they share. Each frame's unknowns are
eliminated (Schur complement), so time is linear in the number of frames. Then the error is taken
from what remains, and all is solved again with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musclehand.planning.trajectory.chain import Chain
from musclehand.watch.landmarks import NUM_POINTS, WRIST
from musclehand.watch.lifting.config import LiftConfig
from musclehand.watch.lifting.hand_points import HandPoints, place_points, scaled
from musclehand.watch.lifting.observe import Observed
from musclehand.watch.lifting.problem import GLOBALS, Camera, Common, Frames
from musclehand.watch.lifting.smoothing import Limits, frame_equations

_ROUNDS = 3
"""Times that the error of points is taken from what remains; chosen: it changes little behind the
second."""

_STEPS = 40
"""Most steps of a round."""

_CONVERGED = 1e-6
"""Share of the cost; a step that gains less is the last one. Chosen."""

_MEDIAN_LENGTH = 1.1774
"""Median length of a vector in the plane whose coordinates are normal with variance 1."""

_DETERMINED = 17.0
"""Numbers of the 42 of a hand's points that its posture takes up, so that what remains of them is
less than their error; the hand's visible motions: 13 of the fingers and 4 of the wrist."""

_SIZES = tuple(0.8 + 0.05 * step for step in range(10))
"""Sizes of a hand against the design that are compared; chosen, beyond people's."""

_PALM = [0, 5, 9, 13, 17]
"""Wrist and knuckles of the fingers."""

_PALM_TILT = 0.03
"""[rad] of the palm's posture while the size of a hand is found: a palm that may tilt fits noise
that makes it smaller, and so is found too large. Chosen: its cosine is below a thousandth."""

_WRIST_JOINTS = 3
"""Joints of forearm and wrist, the first ones."""

_THUMB = (1, 2, 3, 4)
"""Points of the thumb."""


class Calibration(NamedTuple):
    """What all frames of a film share."""

    offsets: np.ndarray
    """[m] Displacement of every point, along and across the hand. Shape (21, 2)."""

    size: float
    """Lengths of the hand divided by those of the design."""

    error: float
    """[m] Error of points along each axis."""

    def common(self, share: float, freedom: float) -> Common:
        """As the kernels take it.

        Args:
            share: `Common.share`.
            freedom: `Common.freedom`.
        """
        return Common(self.offsets, self.size, share, freedom)


class _Part(NamedTuple):
    """Sampled frames of a hand."""

    camera: Camera
    """Of the film."""

    frames: Frames
    """Of the sample."""

    u: np.ndarray
    """[rad, m] Unknowns. Shape (t, n)."""

    share: float
    """How often the cost of a frame is taken: less than once where frames are close in time."""

    def with_precision(self, factor: float) -> _Part:
        """The same with all inverse variances of points times a factor.

        Args:
            factor: on them.
        """
        precision = self.frames.precision * factor
        return self._replace(frames=self.frames._replace(precision=precision))

    def of_palm(self) -> _Part:
        """The same with the points of a palm that hardly tilts, and wherever fingertips are."""
        precision = np.zeros_like(self.frames.precision)
        precision[:, _PALM] = self.frames.precision[:, _PALM]
        tips = np.zeros_like(self.frames.tip_precision)
        home = self.frames.home_precision.copy()
        home[:, :_WRIST_JOINTS] = _PALM_TILT**-2
        frames = self.frames._replace(precision=precision, tip_precision=tips, home_precision=home)
        return self._replace(frames=frames)


class _Point(NamedTuple):
    """A state of all unknowns with its cost and normal equations."""

    u: list[np.ndarray]
    shared: np.ndarray
    cost: float
    hessians: np.ndarray
    gradients: np.ndarray


class _Reduced(NamedTuple):
    """Normal equations with the frames' unknowns eliminated."""

    solved: np.ndarray
    """Steps of the frames' unknowns: without a change of what is shared, then per each such change.
    Shape (t, n, GLOBALS)."""

    schur: np.ndarray
    """Matrix of what is shared, size left out. Shape (GLOBALS - 1, GLOBALS - 1)."""

    wanted: np.ndarray
    """Its right-hand side. Shape (GLOBALS - 1,)."""


def calibrate(
    hands: Sequence[Observed],
    chain: Chain,
    points: HandPoints,
    limits: Limits,
    config: LiftConfig,
    *,
    dt: float,
    size: float | None = None,
) -> Calibration:
    """Finds what all frames of a film share.

    Args:
        hands: one or two hands of a film.
        chain: of our right hand.
        points: on it.
        limits: of the unknowns.
        config: constants.
        dt: time between frames [s].
        size: of the hand, where it is known.
    """
    parts = [_sample(hand, config, dt) for hand in hands]
    if size is None:
        palms = [part.of_palm() for part in parts]
        size = _likeliest_size(_Solver(palms, chain, points, limits, config))
    shared = np.append(np.zeros(2 * NUM_POINTS), size)
    error = config.point_error
    for _ in range(_ROUNDS):
        factor = (config.point_error / error) ** 2
        solver = _Solver(
            [part.with_precision(factor) for part in parts], chain, points, limits, config
        )
        solution = solver.solve(solver.start, shared)
        shared = solution.shared
        solved = [part._replace(u=u) for part, u in zip(parts, solution.u, strict=True)]
        measured = _remaining(solved, chain, points, shared)
        error = float(np.clip(measured, config.least_point_error, config.most_point_error))
    return Calibration(shared[:-1].reshape(NUM_POINTS, 2), float(shared[-1]), error)


def _likeliest_size(solver: _Solver) -> float:
    """The size of the hand that fits its palm best.

    Only the wrist and the knuckles count: they are nearly rigid. Fingers would make the hand too
    large, because bent ones fit the noise of points better than straight ones; so would fingertips
    on keys, where the person's posture is not the expected one.

    Args:
        solver: of sampled frames.
    """
    u = solver.start
    shared = np.append(np.zeros(2 * NUM_POINTS), _SIZES[0])
    costs = []
    for size in _SIZES:
        shared[-1] = size
        solution = solver.solve(u, shared)
        u, shared = solution.u, solution.shared.copy()
        costs.append(solution.cost)
    best = int(np.clip(np.argmin(costs), 1, len(_SIZES) - 2))
    before, middle, after = costs[best - 1 : best + 2]
    bend = before - 2.0 * middle + after
    shift = 0.5 * (before - after) / bend if bend > 0.0 else 0.0
    return float(_SIZES[best] + np.clip(shift, -1.0, 1.0) * (_SIZES[1] - _SIZES[0]))


def _sample(hand: Observed, config: LiftConfig, dt: float) -> _Part:
    """Frames of a hand, spread over those in which it is seen, with fingers that play first.

    Args:
        hand: in the film.
        config: constants.
        dt: time between frames [s].
    """
    playing = np.flatnonzero(hand.seen & hand.contacts.any(axis=1))
    rows = playing if len(playing) >= config.calibration_frames else np.flatnonzero(hand.seen)
    if not len(rows):
        rows = np.flatnonzero(hand.frames.precision[:, 0] > 0.0)
    few = np.unique(np.linspace(0, len(rows) - 1, config.calibration_frames).astype(int))
    frames = hand.frames.rows(rows[few])
    share = min(1.0, dt * len(rows) / len(few) / config.correlation)
    return _Part(hand.camera, frames, frames.home.copy(), share)


def _prior(config: LiftConfig) -> np.ndarray:
    """Inverse variances of what is shared. Shape (GLOBALS,)."""
    spread = np.full((NUM_POINTS, 2), config.offset)
    spread[list(_THUMB)] = config.thumb_offset
    spread[WRIST] = config.wrist_offset
    return np.append(spread.ravel(), config.size) ** -2.0


def _remaining(
    parts: Sequence[_Part], chain: Chain, points: HandPoints, shared: np.ndarray
) -> float:
    """Error of points along each axis that is left after a solution [m].

    Args:
        parts: of the hands.
        chain: of our hand.
        points: on it.
        shared: what is shared. Shape (GLOBALS,).
    """
    lengths = []
    for part in parts:
        scale = np.linalg.norm(part.frames.basis[:, :, 0], axis=1)[:, None]
        lengths.append(
            point_errors(part.frames, part.camera, chain, points, shared, part.u) / scale
        )
    median = float(np.median(np.concatenate(lengths)))
    return median / _MEDIAN_LENGTH / float(np.sqrt(1.0 - _DETERMINED / (2 * NUM_POINTS)))


def point_errors(
    frames: Frames,
    camera: Camera,
    chain: Chain,
    points: HandPoints,
    shared: np.ndarray,
    u: np.ndarray,
) -> np.ndarray:
    """Distances between points of the picture and of the solution [pixels]. Shape (t, 21).

    Args:
        frames: what is known.
        camera: of the film.
        chain: of our hand.
        points: on it.
        shared: offsets and size. Shape (GLOBALS,).
        u: unknowns. Shape (t, n).
    """
    places = place_points(scaled(chain, float(shared[-1])), points, u)
    ahead = (places - camera.position) @ camera.rotation.T
    pixels = camera.focal * ahead[..., :2] / ahead[..., 2:] + camera.centre
    pixels += np.einsum("tik,pk->tpi", frames.basis, shared[:-1].reshape(NUM_POINTS, 2))
    return np.asarray(np.linalg.norm(frames.pixels - pixels, axis=-1))


class _Solver:
    """Levenberg-Marquardt steps on frames and what they share."""

    def __init__(
        self,
        parts: Sequence[_Part],
        chain: Chain,
        points: HandPoints,
        limits: Limits,
        config: LiftConfig,
    ) -> None:
        """
        Args:
            parts: of the hands.
            chain: of our hand.
            points: on it.
            limits: of the unknowns.
            config: constants.
        """
        self.parts = parts
        self.chain = chain
        self.points = points
        self.limits = limits
        self.prior = _prior(config)
        self.expected = np.append(np.zeros(GLOBALS - 1), 1.0)
        self.freedom = config.freedom

    @property
    def start(self) -> list[np.ndarray]:
        """Unknowns of each hand to begin with."""
        return [part.u for part in self.parts]

    def solve(self, u: list[np.ndarray], shared: np.ndarray) -> _Point:
        """The best unknowns of frames, and what they share, of a hand of a given size.

        Args:
            u: to begin with.
            shared: to begin with; the size stays. Shape (GLOBALS,).
        """
        point = self._evaluate(u, shared)
        damping = 1e-3
        for _ in range(_STEPS):
            new = self._evaluate(*self._step(point, damping))
            if not new.cost < point.cost:
                damping *= 5.0
                if damping > 1e6:
                    break
                continue
            gained = point.cost - new.cost
            point = new
            damping = max(damping / 5.0, 1e-7)
            if gained < _CONVERGED * point.cost:
                break
        return point

    def _evaluate(self, u: list[np.ndarray], shared: np.ndarray) -> _Point:
        chain = scaled(self.chain, float(shared[-1]))
        away = shared - self.expected
        cost = 0.5 * float(self.prior @ away**2)
        hessians, gradients = [], []
        offsets = shared[:-1].reshape(NUM_POINTS, 2)
        for part, values in zip(self.parts, u, strict=True):
            common = Common(offsets, float(shared[-1]), part.share, self.freedom)
            add, equations = frame_equations(
                chain, self.points, part.camera, part.frames, common, values, shared=GLOBALS
            )
            cost += add
            hessians.append(equations.hessian)
            gradients.append(equations.gradient)
        lower = np.concatenate(hessians)
        full = lower + np.tril(lower, -1).transpose(0, 2, 1)
        return _Point(u, shared, cost, full, np.concatenate(gradients))

    def _reduce(self, point: _Point, damping: float) -> _Reduced:
        """Normal equations with the frames' unknowns eliminated.

        Args:
            point: to step from.
            damping: as a share of the diagonal.
        """
        all_u = np.concatenate(point.u)
        count = all_u.shape[1]
        own = point.hessians[:, :count, :count].copy()
        cross = point.hessians[:, :count, count:-1].copy()
        right = -point.gradients[:, :count]
        held = self.limits.held(all_u, right)
        own[held] = 0.0
        own.transpose(0, 2, 1)[held] = 0.0
        diagonal = np.einsum("tii->ti", own)
        diagonal *= 1.0 + damping
        diagonal[held] = 1.0
        cross[held] = 0.0
        right = np.where(held, 0.0, right)
        solved = np.linalg.solve(own, np.concatenate([right[:, :, None], cross], axis=2))
        schur = point.hessians[:, count:-1, count:-1].sum(axis=0) + np.diag(self.prior[:-1])
        schur[np.diag_indices(GLOBALS - 1)] *= 1.0 + damping
        schur -= np.tensordot(cross, solved[:, :, 1:], axes=([0, 1], [0, 1]))
        wanted = -point.gradients[:, count:-1].sum(axis=0)
        wanted -= (self.prior * (point.shared - self.expected))[:-1]
        wanted -= np.tensordot(cross, solved[:, :, 0], axes=([0, 1], [0, 1]))
        return _Reduced(solved, schur, wanted)

    def _step(self, point: _Point, damping: float) -> tuple[list[np.ndarray], np.ndarray]:
        """Unknowns after a step.

        Args:
            point: to step from.
            damping: as a share of the diagonal.
        """
        reduced = self._reduce(point, damping)
        change = np.linalg.solve(reduced.schur, reduced.wanted)
        step = reduced.solved[:, :, 0] - reduced.solved[:, :, 1:] @ change
        moved = self.limits.stepped(np.concatenate(point.u), step)
        ends = np.cumsum([len(part) for part in point.u])[:-1]
        return list(np.split(moved, ends)), point.shared + np.append(change, 0.0)
