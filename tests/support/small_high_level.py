"""An untrained latent space and high-level policy, and a piece of three notes for each hand."""

from musclehand.envs.reference import still_clip
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import decoder_mask
from musclehand.learning.vae import LatentPolicy
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.policies.high_level import new_high_level_network, save_high_level_policy
from musclehand.policies.latent import load_latent_space, save_latent_space

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


def small_latent_space(folder, *, latent_size=5, action_history=0):
    config = TrackingConfig(num_envs=1, keys=True, action_history=action_history)
    env = TrackingEnv([still_clip()], config)
    policy = LatentPolicy(
        decoder_mask(env.table),
        env.num_actions,
        latent_size=latent_size,
        action_repeat=4,
        hidden=(16,),
        seed=1,
    )
    return load_latent_space(save_latent_space(folder, policy, env, {"stage": "test"}))


def small_high_level(folder, latent_space):
    """Path of the file of a high-level policy."""
    network = new_high_level_network(latent_space, (16,), seed=2)
    # So that forearms move on as they do.
    network.layers[-1].weight.data.mul_(0.1)
    network.layers[-1].bias.data.zero_()
    network.target_mean[-network.move_size :] = 0.5
    return save_high_level_policy(folder, network, latent_space, {"stage": "test"})
