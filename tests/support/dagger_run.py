"""A whole small DAgger training."""

from dataclasses import replace

from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from support.toy_env import Points

SMALL = DaggerConfig(
    iterations=4,
    steps=20,
    updates=120,
    batch=64,
    hidden=(32,),
    learning_rate=5e-3,
    decay=4,
    buffer_iterations=3,
)


def whole_run(folder):
    """A warm start and PPO after it, or what is missing of them."""
    from musclehand.learning.ppo import PpoConfig, PpoTraining

    policy = DaggerTraining(
        Points(), replace(SMALL, iterations=30), folder / "warm", identity={}
    ).run()
    config = PpoConfig(
        iterations=60, steps=20, critic_warm_up=2, critic_hidden=(32,), learning_rate=1e-3
    )
    PpoTraining(Points(), policy, config, folder / "ppo", identity={}).run()
