"""Points on a line with known gradients, to learn from, and a small training on them."""

import numpy as np
import torch

from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.apg import ApgConfig
from musclehand.learning.policy import Policy
from support.toy_env import Points

SMALL = ApgConfig(
    iterations=30, steps=20, minibatches=2, learning_rate=3e-3, decay=100, discount=0.9
)


class DifferentiablePoints(Points, DifferentiableEnv):
    """Points that know their equations: rewards fall with the square of the place."""

    def start_recording(self):
        self.path = []

    def step(self, action):
        before = self.age.copy()
        result = super().step(action)
        # A new episode shows as an age that went down.
        not_done = self.age > before
        self.path.append((np.where(not_done[:, None], self.place, 0.0), not_done[:, None]))
        return result._replace(reward=-np.square(result.terms["error"]))

    def begin_backward(self, discount):
        self.discount, self.by_place, self.by_speed = (
            discount,
            np.zeros((self.num_envs, 2)),
            np.zeros((self.num_envs, 2)),
        )
        return len(self.path)

    def backward_step(self, observation_gradient):
        if observation_gradient is not None:
            self.by_place = self.by_place + observation_gradient[:, :2]
            self.by_speed = self.by_speed + observation_gradient[:, 2:]
        place, not_done = self.path.pop()
        self.by_place = not_done * (self.discount * self.by_place - 2.0 * place)
        self.by_speed = not_done * self.discount * self.by_speed + 0.3 * self.by_place
        gradient = self.by_speed * 0.8 * 2.0
        self.by_speed = 0.8 * self.by_speed
        return gradient


def fresh():
    policy = Policy(4, 2, (32,))
    with torch.no_grad():
        policy.layers[-1].bias.zero_()
    return policy
