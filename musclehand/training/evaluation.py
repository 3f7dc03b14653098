"""Judging tracking policies on held-out motion, undisturbed and disturbed.

What is followed: clips of a corpus, in the air, and plans of generated scores, on keys; both of the
same split, for ten seconds at most. Computed muscle control, the teacher, follows the same motion.

    result = evaluate_tracking(load_tracking_policy(), "corpus", conditions=CONDITIONS)
    result.tip_error("policy", "undisturbed", AIR), result.tip_error("teacher", "undisturbed", AIR)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np

from musclehand.core.errors import UnknownName
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.demonstrations.planned_motion import plan_references
from musclehand.envs.reference import ReferenceSet, build_references, join
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.envs.tracking.evaluation import Actor, ClipScore, DelayedTeacher, evaluate
from musclehand.motion.dataset import MotionCorpus, open_corpus, split_of
from musclehand.music.generate.patterns import pattern_scores
from musclehand.policies.tracking import TrackingPolicy

__all__ = [
    "AIR",
    "CONDITIONS",
    "KEYS",
    "TEACHER",
    "EvaluatedClip",
    "TrackingEvaluation",
    "evaluate_tracking",
    "held_out_references",
    "mean_tip_error",
]

CONDITIONS: Mapping[str, DisturbanceConfig] = {
    "undisturbed": DisturbanceConfig(),
    "pushes of up to 3 N": DisturbanceConfig(push=3.0, push_rate=2.0),
    "one muscle at 50 %": DisturbanceConfig(weak_muscles=1, weak_strength=0.5),
    "sensory delay 24 ms": DisturbanceConfig(delay=(0.024, 0.024)),
    "keys 30 % heavier": DisturbanceConfig(key_weight=(1.3, 1.3)),
    "all muscles at 70 %": DisturbanceConfig(strength=(0.7, 0.7)),
    "motor noise of 20 %": DisturbanceConfig(motor_noise=0.2),
}
"""Disturbances by name."""

SCORE_SEED = 5000
"""Seed of the planned scores: others than those of a training."""

AIR = "in the air"
KEYS = "on keys"

TEACHER = "teacher"

_PLANNED = "plan "


@dataclass(frozen=True)
class EvaluatedClip:
    """How one clip was followed."""

    actor: str
    """Name of the policy, or `TEACHER`."""

    condition: str
    """Name of the disturbance."""

    place: str
    """`AIR` or `KEYS`."""

    score: ClipScore
    """The figures."""


@dataclass(frozen=True)
class TrackingEvaluation:
    """How policies and the teacher follow held-out motion."""

    clips: tuple[EvaluatedClip, ...]
    """One for each actor, condition and clip."""

    def scores(
        self, actor: str, condition: str = "undisturbed", place: str | None = None
    ) -> list[ClipScore]:
        """Figures of an actor in a condition.

        Args:
            actor: its name.
            condition: name of the disturbance.
            place: `AIR` or `KEYS`; None for both.
        """
        return [
            clip.score
            for clip in self.clips
            if (clip.actor, clip.condition) == (actor, condition) and place in (None, clip.place)
        ]

    def tip_error(self, actor: str, condition: str = "undisturbed", place: str = AIR) -> float:
        """Mean fingertip error [mm] of an actor in a condition and place, weighted by time.

        Args:
            actor: its name.
            condition: one of `CONDITIONS`.
            place: `AIR` or `KEYS`.
        """
        return mean_tip_error(self.scores(actor, condition, place))

    def places(self) -> list[tuple[str, str]]:
        """Conditions with the places that there are clips for."""
        return list(dict.fromkeys((clip.condition, clip.place) for clip in self.clips))

    def rows(self) -> list[dict[str, Any]]:
        """A record for each clip, with the fields of `ClipScore`."""
        return [
            {
                "actor": clip.actor,
                "condition": clip.condition,
                "place": clip.place,
                **clip.score._asdict(),
            }
            for clip in self.clips
        ]


def evaluate_tracking(
    policies: TrackingPolicy | Mapping[str, TrackingPolicy],
    corpus: MotionCorpus | str | PathLike[str],
    *,
    conditions: Iterable[str] = ("undisturbed",),
    split: str = "test",
    clips: int = 24,
    scores: int = 8,
    teacher: bool = True,
    seed: int = 0,
) -> TrackingEvaluation:
    """Has policies and the teacher follow motion that they were not trained on.

    Args:
        policies: a policy, which is called "policy", or several by their names.
        corpus: a corpus of motion, or its folder.
        conditions: names of `CONDITIONS`.
        split: of the corpus and of the generated scores.
        clips: how many of the corpus, at most.
        scores: how many generated scores are planned and followed on keys.
        teacher: judge computed muscle control, too; where senses are delayed, so are its.
        seed: of disturbances, and of the choice of clips.

    Raises:
        CorpusError: there is no usable corpus.
        UnknownName: there is no such condition or split.
    """
    conditions = tuple(conditions)
    for condition in conditions:
        if condition not in CONDITIONS:
            raise UnknownName("condition", condition, CONDITIONS)
    if isinstance(policies, TrackingPolicy):
        policies = {"policy": policies}
    if not isinstance(corpus, MotionCorpus):
        corpus = open_corpus(corpus)
    config = TrackingConfig(num_envs=1)
    actors: dict[str, tuple[Actor, TrackingConfig]] = {}
    for name, policy in policies.items():
        config = policy.config
        actors[name] = policy.act, replace(config, keys=scores > 0)
    config = replace(config, keys=scores > 0)
    references = held_out_references(
        corpus, config, split=split, clips=clips, scores=scores, seed=seed
    )
    evaluated: list[EvaluatedClip] = []
    for condition in conditions:
        disturbance = CONDITIONS[condition]
        judged = dict(actors)
        if teacher:
            delay = round(disturbance.delay[1] / (config.sim_steps * SIM_DT))
            judged = {TEACHER: (DelayedTeacher(delay), config), **actors}
        for name, (act, actor_config) in judged.items():
            disturbed = replace(actor_config, disturbance=disturbance)
            evaluated += [
                EvaluatedClip(name, condition, place_of(score), score)
                for score in evaluate(references, act, disturbed, seed=seed)
            ]
    return TrackingEvaluation(tuple(evaluated))


def held_out_references(
    corpus: MotionCorpus,
    config: TrackingConfig,
    *,
    split: str = "test",
    clips: int = 24,
    scores: int = 8,
    seed: int = 0,
) -> ReferenceSet:
    """Reference motion that no policy was trained on.

    Args:
        corpus: with clips of motion in the air.
        config: of the environment, whose steps the references have.
        split: of the corpus and of the generated scores.
        clips: how many of the corpus, at most.
        scores: how many generated scores are planned.
        seed: of the choice of clips.
    """
    muscles = TrackingBody(1).muscles
    dt = config.sim_steps * SIM_DT
    candidates = list(corpus.clips(split))
    chosen = np.random.default_rng(seed).permutation(len(candidates))[:clips]
    air = build_references((candidates[i] for i in chosen), dt=dt, muscles=muscles)
    if not scores:
        return air
    generated = (score for score in pattern_scores(SCORE_SEED) if split_of(score.pattern) == split)
    planned = plan_references(islice(generated, scores))
    names = tuple(f"{_PLANNED}{name}" for name in planned.names)
    return join([air, replace(planned, names=names)])


def place_of(score: ClipScore) -> str:
    """`AIR` or `KEYS`, by the name of a clip of `held_out_references`."""
    return KEYS if score.name.startswith(_PLANNED) else AIR


def mean_tip_error(scores: Sequence[ClipScore]) -> float:
    """Mean fingertip error [mm], weighted by the time followed; a hand that failed counts with its
    error until then."""
    weight = np.array([score.seconds for score in scores])
    return float(1e3 * weight @ [score.tip_mean for score in scores] / weight.sum())
