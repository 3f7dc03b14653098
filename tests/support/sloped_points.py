"""Points on a line with known gradients, to learn from, and a small training on them."""

import numpy as np
import torch

from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.apg import ApgConfig
from musclehand.learning.policy import Policy
from support.toy_env import Points

SMALL = ApgConfig(iterations=30, steps=20, minibatches=2, rate=3e-3, decay=100, fading=0.9)


class SlopedPoints(Points, DifferentiableEnv):
    """Points that know their equations: rewards fall with the square of the place."""

    def watch(self):
        self.path = []

    def step(self, action):
        before = self.age.copy()
        result = super().step(action)
        # A new episode shows as an age that went down.
        goes_on = self.age > before
        self.path.append((np.where(goes_on[:, None], self.place, 0.0), goes_on[:, None]))
        return result._replace(reward=-np.square(result.terms["error"]))

    def look_back(self, fading):
        self.fading, self.by_place, self.by_speed = (
            fading,
            np.zeros((self.num_envs, 2)),
            np.zeros((self.num_envs, 2)),
        )
        return len(self.path)

    def step_back(self, by_observation):
        if by_observation is not None:
            self.by_place = self.by_place + by_observation[:, :2]
            self.by_speed = self.by_speed + by_observation[:, 2:]
        place, goes_on = self.path.pop()
        self.by_place = goes_on * (self.fading * self.by_place - 2.0 * place)
        self.by_speed = goes_on * self.fading * self.by_speed + 0.3 * self.by_place
        gradient = self.by_speed * 0.8 * 2.0
        self.by_speed = 0.8 * self.by_speed
        return gradient


def fresh():
    policy = Policy(4, 2, (32,))
    with torch.no_grad():
        policy.layers[-1].bias.zero_()
    return policy
