"""Proximal policy optimisation (PPO, Schulman et al. 2017) by rsl-rl-lib, on any `VecEnv`.

The actor of rsl_rl is the policy's network; its actions are logits of the excitations with Gaussian
noise on them, so that the noise of excitations is in proportion to the excitation
(`learning.policy`). The critic learns alone in the first iterations, so that an untrained critic
does not spoil a policy that was imitated before. All random numbers of an iteration follow from the
seed and its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.errors import MusclehandError
from musclehand.core.vec_env import VecEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import RngStream, Training, check_counts, check_value

STD_RANGE = (0.02, 1.0)
"""Bounds of the standard deviation of the logits."""

GROUP = "hand"
"""Name of the one group of observations, as rsl_rl has them."""


class MissingLearner(MusclehandError):
    """rsl-rl-lib is not installed."""


@dataclass(frozen=True)
class PpoConfig:
    """How to learn by PPO.

    The defaults are cautious, because a policy from imitation is easily spoilt. Fingertip errors on
    held-out clips with a sensory delay of 24 ms, one run each: 1.62 mm before; 1.86 mm after 57
    iterations with 32 steps, 4 epochs, learning rate 1e-4, std 0.15 and lambda 0.9; 1.65 mm after
    45 iterations with the defaults. Which of the settings matters was not tested.
    """

    iterations: int = 200
    """Iterations in all; each rolls out `steps` and learns from them."""

    steps: int = 96
    """Steps in every environment in an iteration."""

    epochs: int = 1
    """Passes over the rollout in an iteration."""

    minibatches: int = 6
    """Gradient steps in a pass."""

    gamma: float = 0.96
    """Discount factor of rewards, a step."""

    lam: float = 0.8
    """Lambda of generalised advantage estimation."""

    clip: float = 0.2
    """Clipping range of the probability ratio."""

    learning_rate: float = 5e-5
    """Learning rate of Adam for the policy."""

    critic_learning_rate: float = 1e-3
    """Learning rate of Adam for the critic, which has more to learn in the same time."""

    init_std: float = 0.1
    """Standard deviation of the logits at first."""

    entropy_coef: float = 0.0
    """Weight of the policy's entropy in the objective."""

    critic_warm_up: int = 6
    """Iterations at the beginning in which the critic learns alone."""

    critic_hidden: tuple[int, ...] = (256, 256)
    """Sizes of the critic's hidden layers."""

    seed: int = 0
    """Seed of environments, noise and minibatches."""

    def __post_init__(self) -> None:
        check_counts(self, ("iterations", "steps", "epochs", "minibatches"))
        check_value(self, "gamma", 0 < self.gamma < 1, "above 0 and below 1")
        check_value(self, "lam", 0 <= self.lam <= 1, "0 to 1")
        for name in ("clip", "learning_rate", "critic_learning_rate", "init_std"):
            check_value(self, name, getattr(self, name) > 0, "above 0")
        check_value(self, "entropy_coef", self.entropy_coef >= 0, "0 or more")
        check_value(self, "critic_warm_up", self.critic_warm_up >= 0, "0 or more")
        hidden_legal = all(size >= 1 for size in self.critic_hidden)
        check_value(self, "critic_hidden", hidden_legal, "sizes of 1 or more")


class PpoProgress(NamedTuple):
    """One iteration of PPO."""

    iteration: int
    """Number of the iteration, from 0."""

    steps: int
    """Steps of all environments in all iterations so far."""

    reward: float
    """Mean reward of a step."""

    failures: float
    """Share of steps that ended an episode by failure."""

    terms: dict[str, float]
    """Means of the environment's `terms`."""

    noise: float
    """Mean standard deviation of the logits."""

    losses: dict[str, float]
    """Losses of rsl_rl, by its names."""


class PpoTraining(Training[VecEnv, PpoConfig, PpoProgress]):
    """PPO in a folder."""

    def __init__(
        self,
        env: VecEnv,
        policy: Policy,
        config: PpoConfig,
        folder: Path,
        *,
        identity: Mapping[str, Any],
    ) -> None:
        """Begins a training, or resumes that of the folder.

        Args:
            env: environments to learn in.
            policy: network to begin with; it is trained itself, not a copy.
            config: how to learn.
            folder: of the checkpoints.
            identity: what a resumed run has to agree with.

        Raises:
            CheckpointError: the folder holds another run, or a damaged one.
            MissingLearner: rsl-rl-lib is not installed.
        """
        super().__init__("ppo", env, config, folder, identity)
        self.policy = policy
        self._ppo, self._tensors = _make_ppo(env, policy, config)
        self._begin()

    @override
    def _iterate(self) -> PpoProgress:
        config = self.config
        seed = np.random.SeedSequence([config.seed, self.iterations_done, RngStream.PPO])
        torch_seed = int(seed.generate_state(1, np.uint64)[0]) >> 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed)
            reward, failures, terms = self._collect()
            learning = self.iterations_done >= config.critic_warm_up
            for parameter in self._ppo.actor.parameters():
                parameter.requires_grad_(learning)
            losses = self._ppo.update()
        self.policy.layers.load_state_dict(self._ppo.actor.mlp.state_dict())
        noise = float(self._ppo.actor.distribution.std_param.detach().mean())
        steps = (self.iterations_done + 1) * config.steps * self.env.num_envs
        return PpoProgress(
            iteration=self.iterations_done,
            steps=steps,
            reward=reward,
            failures=failures,
            terms=terms,
            noise=noise,
            losses=losses,
        )

    def _collect(self) -> tuple[float, float, dict[str, float]]:
        """Rolls the policy out into rsl_rl's storage; means of rewards, failures and terms."""
        env = self.env
        config = self.config
        sums: dict[str, float] = {}
        reward = failures = 0.0
        with torch.inference_mode():
            tensors = self._tensors(self._observation)
            for _ in range(config.steps):
                logits = self._ppo.act(tensors)
                result = env.step(torch.sigmoid(logits).numpy())
                tensors = self._tensors(result.observation)
                ended = torch.from_numpy(result.terminated | result.truncated)
                self._ppo.process_env_step(
                    tensors,
                    # Returns, sums of discounted rewards, are then of the size of a reward.
                    torch.from_numpy((1.0 - config.gamma) * result.reward).float(),
                    ended,
                    {"time_outs": torch.from_numpy(result.truncated.astype(np.float32))},
                )
                reward += float(result.reward.mean()) / config.steps
                failures += float(result.terminated.mean()) / config.steps
                for name, values in result.terms.items():
                    sums[name] = sums.get(name, 0.0) + float(values.mean()) / config.steps
            self._ppo.compute_returns(tensors)
        return reward, failures, sums

    @override
    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy, "actor": self._ppo.actor, "critic": self._ppo.critic}

    @override
    def _optimizer(self) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = self._ppo.optimizer
        return optimizer


def _make_ppo(
    env: VecEnv, policy: Policy, config: PpoConfig
) -> tuple[Any, Callable[[np.ndarray], Any]]:
    """rsl_rl's PPO, with the policy's layers for an actor, and a function that makes its tensors
    of observations."""
    try:
        from rsl_rl.algorithms import PPO
        from rsl_rl.models import MLPModel
        from rsl_rl.modules.distribution import GaussianDistribution
        from rsl_rl.storage import RolloutStorage
        from tensordict import TensorDict
    except ImportError as error:
        raise MissingLearner(f"PPO needs `pip install 'musclehand[train]'` ({error})") from error

    def tensors(observation: np.ndarray) -> Any:
        inputs = policy.normalise(torch.from_numpy(np.asarray(observation, dtype=np.float32)))
        return TensorDict({GROUP: inputs}, batch_size=[len(observation)])

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(config.seed)
        example = tensors(np.zeros((env.num_envs, env.num_observations)))
        groups = {"actor": [GROUP], "critic": [GROUP]}
        distribution = {
            "class_name": GaussianDistribution,
            "init_std": config.init_std,
            "std_range": STD_RANGE,
        }
        actor = MLPModel(
            example,
            groups,
            "actor",
            env.num_actions,
            hidden_dims=list(policy.sizes[1:-1]),
            distribution_cfg=distribution,
        )
        critic = MLPModel(example, groups, "critic", 1, hidden_dims=list(config.critic_hidden))
        actor.mlp.load_state_dict(policy.layers.state_dict())
    storage = RolloutStorage("rl", env.num_envs, config.steps, example, [env.num_actions])
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
        entropy_coef=config.entropy_coef,
    )
    ppo.optimizer = torch.optim.Adam(
        [
            {"params": list(ppo.actor.parameters()), "lr": config.learning_rate},
            {"params": list(ppo.critic.parameters()), "lr": config.critic_learning_rate},
        ]
    )
    return ppo, tensors
