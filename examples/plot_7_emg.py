"""
Compare with EMG
================

Simulated activations against synthetic EMG of the same piece, where the truth is known. Which
muscle agrees with its electrode by more than chance?
"""

from pathlib import Path

import matplotlib.pyplot as plt

import musclehand as mh

data = Path(mh.__file__).parents[1] / "data" / "emg"  # of a checkout of the project
comparison = mh.emg.compare(
    data / "synthetic_playing.sto",
    data / "synthetic_playing.h5",
    muscle_map=data / "muscle_map.csv",
)
print(comparison)

# %%
# Bars are correlations; lines are the 95th percentiles of two nulls: circular shifts, wrong muscle.

names = [muscle.name for muscle in comparison.muscles]
figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
axes.bar(names, [muscle.scores["r"] for muscle in comparison.muscles], color="tab:blue")
for null, style in (("surrogate", "k_"), ("wrong muscle", "r_")):
    limits = [muscle.nulls[null]["r"].high for muscle in comparison.muscles]
    axes.plot(names, limits, style, markersize=30, label=null)
axes.set(ylabel="correlation", ylim=(0, 1))
axes.legend()
plt.show()
