"""
Edit a hand and validate it
===========================

The insertion of the index finger's deep flexor moves 2 mm palmar. Is that still a hand?
"""

import musclehand as mh
from musclehand.body.build.hand import hand_spec

spec = hand_spec(mh.Side.RIGHT)
spec.site("FDP2_m2b_r").pos[2] -= 0.002

report = mh.validate(spec, checks=["V07", "V08", "V11", "V12"])
print(report)

# %%
# `diff` says in anatomical words what the edit changed.

print(mh.diff(hand_spec(mh.Side.RIGHT), spec))
