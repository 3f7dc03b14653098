"""
Moment arms
===========

How far the muscles of the index finger pass from its joints, over the range of motion.
"""

import matplotlib.pyplot as plt
import numpy as np

import musclehand as mh
from musclehand.body.analysis.moment_arm import sweep
from musclehand.body.hand_index import HandIndex

model = mh.load_hand(mh.Side.RIGHT)
hand = HandIndex.from_model(model, mh.Side.RIGHT)

# %%
# A positive moment arm flexes the joint.

figure, panels = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for axes, joint in zip(panels, ("mcp2_flexion", "pm2_flexion", "md2_flexion"), strict=True):
    curves = sweep(model, hand, joint, base=np.zeros(len(hand.joints)))
    for muscle in ("FDP2", "FDS2", "EDC2", "LU1", "DI1"):
        arms = 1e3 * curves.arms[:, hand.muscle_names.index(muscle)]
        axes.plot(np.rad2deg(curves.angles), arms, label=muscle)
    axes.set(title=joint, xlabel="angle [deg]")
panels[0].set_ylabel("moment arm [mm]")
panels[0].legend()
plt.show()
