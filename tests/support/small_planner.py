"""A latent space and a planner that know nothing, and a piece of three notes a hand, to test
with."""

from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import own_state
from musclehand.learning.vae import LatentPolicy
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.policies.high_level import new_high_level_network, save_high_level_policy
from musclehand.policies.latent import load_latent_space, save_latent_space
from musclehand.policies.tracking import still_clip

MIRRORED = Score(
    tuple(
        Note(0.4 * number, 62 + sign * (14 + step), 0.4 * number + 0.3, 80, hand, finger)
        for sign, hand in ((1, Hand.RIGHT), (-1, Hand.LEFT))
        for number, (step, finger) in enumerate(
            ((0, Finger.THUMB), (3, Finger.MIDDLE), (7, Finger.LITTLE))
        )
    )
)
"""Each hand's notes are the other's, mirrored at a D."""


def small_skill(folder, *, latent=5, past=0):
    env = TrackingEnv([still_clip()], TrackingConfig(num_envs=1, keys=True, past=past))
    policy = LatentPolicy(
        own_state(env.table), env.num_actions, latent=latent, hold=4, hidden=(16,), seed=1
    )
    return load_latent_space(save_latent_space(folder, policy, env, {"stage": "test"}))


def small_planner(folder, skill):
    """The path of a planner's file."""
    policy = new_high_level_network(skill, (16,), seed=2)
    # What comes of nothing: forearms go on as they do.
    policy.layers[-1].weight.data.mul_(0.1)
    policy.layers[-1].bias.data.zero_()
    policy.middle[-policy.moves :] = 0.5
    return save_high_level_policy(folder, policy, skill, {"stage": "test"})
