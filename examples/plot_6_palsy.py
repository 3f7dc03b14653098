"""
A palsy
=======

Ulnar palsy silences the interossei and the adductor of the thumb. Which muscles work instead?
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import musclehand as mh
from musclehand.performance.muscle_use import compare_muscle_use, draw_muscle_use, read_muscle_use

with TemporaryDirectory() as folder:
    runs = {"healthy": None, "palsy": "ulnar-palsy"}
    for name, condition in runs.items():
        out = Path(folder, name)
        result = mh.play("five_finger_right", clip=(0, 3), condition=condition, out=out)
        print(f"{name}: onset F1 {result.metrics.onset_f1_50ms:.3f}")
    comparison = compare_muscle_use([read_muscle_use(Path(folder, name)) for name in runs])
    figure = draw_muscle_use(comparison)

# %%
# `musclehand muscles healthy palsy --figure use.png` does the same on the command line.
