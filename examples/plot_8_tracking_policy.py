"""
A tracking policy in its environment
====================================

The bundled policy drives 46 muscles of a hand that tracks generated motion.
"""

import gymnasium
import matplotlib.pyplot as plt
import numpy as np

import musclehand as mh

env = gymnasium.make("musclehand:TrackHand-v0")
policy = mh.load_tracking_policy()
observation, _ = env.reset(seed=0)
errors = []
for _ in range(250):
    excitation = policy.policy.act(observation[None])[0]
    observation, reward, terminated, truncated, info = env.step(2 * excitation - 1)
    errors.append(-info["tip"])
    if terminated or truncated:
        break

# %%
# The reward's term for fingertips is about minus their mean error in mm.

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.plot(np.arange(len(errors)) / 125, errors)
axes.set(xlabel="time [s]", ylabel="fingertip error [mm]", ylim=(0, None))
plt.show()
