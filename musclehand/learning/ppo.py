"""Reinforcement after the warm start: PPO, the algorithm that rsl-rl-lib has, on any `VecEnv`.

What PPO chooses are logits of excitations, with Gaussian noise on them: on excitations that noise
is in proportion to the signal (`learning.policy`). The critic learns alone for the first
iterations, so that a policy that is good already is not spoilt by one that knows nothing yet. All
random numbers of an iteration follow from the seed and its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.core.vec_env import VecEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import Training


class MissingLearner(MusclehandError):
    """rsl-rl-lib is not installed."""


@dataclass(frozen=True)
class PpoConfig:
    """How to learn from reward.

    Cautious, because a warm start is easily spoilt. One run each, with senses 24 ms late,
    fingertips on held-out clips: 1.62 mm before; 1.86 mm after 57 iterations of 32 steps, 4 epochs,
    rate 1e-4, noise 0.15 and lam 0.9; 1.65 mm after 45 iterations as set here. Neither made it
    better; which of the settings matters has not been taken apart.

    `iterations` of `steps` in every environment, then `epochs` over `minibatches` parts. `gamma`,
    `lam`: discounts of reward and of advantage; `clip` of the ratio of chances. `rate` of Adam for
    the policy, `critic_rate` for the critic, which has to learn much more in the same time.
    `noise`: standard deviation of the logits at first. `entropy`: what noise is worth.
    `critic_alone`: iterations at the beginning in which the policy stays. `critic`: its hidden
    layers.
    """

    iterations: int = 200
    steps: int = 96
    epochs: int = 1
    minibatches: int = 6
    gamma: float = 0.96
    lam: float = 0.8
    clip: float = 0.2
    rate: float = 5e-5
    critic_rate: float = 1e-3
    noise: float = 0.1
    entropy: float = 0.0
    critic_alone: int = 6
    critic: tuple[int, ...] = (256, 256)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "steps", "epochs", "minibatches"):
            least = 0 if name == "iterations" else 1
            if not least <= getattr(self, name) <= 10**7:
                raise InvalidValue(name, getattr(self, name), "1 to 10 million, iterations also 0")
        if not (
            0 < self.gamma < 1
            and 0 <= self.lam <= 1
            and min(self.rate, self.critic_rate, self.noise) > 0
        ):
            values = (self.gamma, self.lam, self.rate, self.critic_rate, self.noise)
            raise InvalidValue(
                "gamma, lam, rate, critic_rate, noise", values, "below 1 and above 0"
            )


class PpoProgress(NamedTuple):
    """One iteration: its number, `steps` of all environments so far, mean `reward` a step, the
    `failures` a step, the means of the environment's `terms`, `noise` of the logits, and the
    algorithm's `losses`."""

    iteration: int
    steps: int
    reward: float
    failures: float
    terms: dict[str, float]
    noise: float
    losses: dict[str, float]


class PpoTraining(Training[VecEnv, PpoConfig, PpoProgress]):
    """A run in a folder. `policy` is what has been learnt; `done` iterations."""

    def __init__(
        self,
        env: VecEnv,
        policy: Policy,
        config: PpoConfig,
        folder: Path,
        *,
        known: Mapping[str, Any],
    ) -> None:
        """Begins with a policy, or goes on where the folder's run was; arguments as `Training`.

        Raises:
            CheckpointError: the folder holds a run of another kind, or a damaged one.
            MissingLearner: rsl-rl-lib is not installed.
        """
        super().__init__("ppo", env, config, folder, known)
        self.policy = policy
        self._ppo, self._tensors = _make_ppo(env, policy, config)
        self._begin()

    def _iterate(self) -> PpoProgress:
        config = self.config
        seed = np.random.SeedSequence([config.seed, self.done, 2]).generate_state(1, np.uint64)[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed) >> 1)
            reward, failures, terms = self._collect()
            learning = self.done >= config.critic_alone
            for parameter in self._ppo.actor.parameters():
                parameter.requires_grad_(learning)
            losses = self._ppo.update()
        self.policy.layers.load_state_dict(self._ppo.actor.mlp.state_dict())
        noise = float(self._ppo.actor.distribution.std_param.detach().mean())
        steps = (self.done + 1) * config.steps * self.env.num_envs
        return PpoProgress(self.done, steps, reward, failures, terms, noise, losses)

    def _collect(self) -> tuple[float, float, dict[str, float]]:
        env = self.env
        config = self.config
        sums: dict[str, float] = {}
        reward = failures = 0.0
        with torch.inference_mode():
            seen = self._tensors(self._observation)
            for _ in range(config.steps):
                logits = self._ppo.act(seen)
                result = env.step(torch.sigmoid(logits).numpy())
                seen = self._tensors(result.observation)
                ended = torch.from_numpy(result.terminated | result.truncated)
                self._ppo.process_env_step(
                    seen,
                    # Values, sums of discounted rewards, are then of the size of a reward.
                    torch.from_numpy((1.0 - config.gamma) * result.reward).float(),
                    ended,
                    {"time_outs": torch.from_numpy(result.truncated.astype(np.float32))},
                )
                reward += float(result.reward.mean()) / config.steps
                failures += float(result.terminated.mean()) / config.steps
                for name, values in result.terms.items():
                    sums[name] = sums.get(name, 0.0) + float(values.mean()) / config.steps
            self._ppo.compute_returns(seen)
        return reward, failures, sums

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy, "actor": self._ppo.actor, "critic": self._ppo.critic}

    def _optimizer(self) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = self._ppo.optimizer
        return optimizer


def _make_ppo(
    env: VecEnv, policy: Policy, config: PpoConfig
) -> tuple[Any, Callable[[np.ndarray], Any]]:
    """The algorithm, its actor being the policy's layers, and what makes its tensors of
    observations."""
    try:
        from rsl_rl.algorithms import PPO
        from rsl_rl.models import MLPModel
        from rsl_rl.modules.distribution import GaussianDistribution
        from rsl_rl.storage import RolloutStorage
        from tensordict import TensorDict
    except ImportError as error:
        raise MissingLearner(f"PPO needs `pip install 'musclehand[train]'` ({error})") from error

    def tensors(observation: np.ndarray) -> Any:
        seen = policy.normalised(torch.from_numpy(np.asarray(observation, dtype=np.float32)))
        return TensorDict({"hand": seen}, batch_size=[len(observation)])

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(config.seed)
        like = tensors(np.zeros((env.num_envs, env.num_observations)))
        groups = {"actor": ["hand"], "critic": ["hand"]}
        noise = {
            "class_name": GaussianDistribution,
            "init_std": config.noise,
            "std_range": (0.02, 1.0),
        }
        actor = MLPModel(
            like,
            groups,
            "actor",
            env.num_actions,
            hidden_dims=list(policy.sizes[1:-1]),
            distribution_cfg=noise,
        )
        critic = MLPModel(like, groups, "critic", 1, hidden_dims=list(config.critic))
        actor.mlp.load_state_dict(policy.layers.state_dict())
    storage = RolloutStorage("rl", env.num_envs, config.steps, like, [env.num_actions])
    ppo = PPO(
        actor,
        critic,
        storage,
        num_learning_epochs=config.epochs,
        num_mini_batches=config.minibatches,
        clip_param=config.clip,
        gamma=config.gamma,
        lam=config.lam,
        schedule="fixed",
        entropy_coef=config.entropy,
    )
    groups_of = [(ppo.actor, config.rate), (ppo.critic, config.critic_rate)]
    ppo.optimizer = torch.optim.Adam(
        [{"params": list(part.parameters()), "lr": rate} for part, rate in groups_of]
    )
    return ppo, tensors
