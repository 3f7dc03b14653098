"""An environment of a few lines to test learners with: points that should come to rest at 0."""

import numpy as np

from musclehand.core.vec_env import StepResult, TeacherEnv, pack_generator, unpack_generator


class Points(TeacherEnv):
    """Pushed by what an action is above a half. The teacher knows how; ends after 20 steps or
    beyond 3."""

    step_dt = 0.1

    def __init__(self, num_envs=16, seed=0):
        self.num_envs = num_envs
        self.num_observations = 4
        self.num_actions = 2
        self._rng = np.random.default_rng(seed)
        self.place = np.zeros((num_envs, 2))
        self.age = np.zeros(num_envs, dtype=int)
        self.speed = np.zeros((num_envs, 2))

    def reset(self, *, seed=None):
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._start(np.arange(self.num_envs))
        return self._look()

    def step(self, action):
        self.speed += 2.0 * (np.clip(action, 0.0, 1.0) - 0.5)
        self.speed *= 0.8
        self.place += 0.3 * self.speed
        self.age += 1
        error = np.linalg.norm(self.place, axis=1)
        terminated = error > 3.0
        truncated = self.age >= 20
        truncated &= ~terminated
        final = observation = self._look()
        done = np.flatnonzero(terminated | truncated)
        if len(done):
            self._start(done)
            observation = self._look()
        reward = np.exp(-np.square(error))
        return StepResult(observation, reward, terminated, truncated, final, {"error": error})

    def teacher_action(self):
        return np.clip(0.5 - 0.6 * self.place - 0.4 * self.speed, 0.0, 1.0)

    def state(self):
        return {
            "place": self.place.copy(),
            "speed": self.speed.copy(),
            "age": self.age.copy(),
            "rng": pack_generator(self._rng),
        }

    def restore(self, state):
        self.place, self.speed, self.age = (
            np.array(state[name]) for name in ("place", "speed", "age")
        )
        self._rng = unpack_generator(state["rng"])
        return self._look()

    def _start(self, envs):
        self.place[envs] = self._rng.uniform(-1, 1, size=(len(envs), 2))
        self.speed[envs], self.age[envs] = 0.0, 0

    def _look(self):
        return np.hstack([self.place, self.speed]).astype(np.float32)
