"""
Play a piece
============

Two muscle-driven hands play the beginning of Ode to Joy; the piano roll shows what was asked for
and what sounded.
"""

import matplotlib.pyplot as plt

import musclehand as mh

result = mh.play("ode_to_joy", clip=(0, 4))
print(f"onset F1 {result.metrics.onset_f1_50ms:.3f}, frame F1 {result.metrics.frame_f1_micro:.3f}")
print(f"mean activation {result.body.mean_activation:.3f}")

# %%
# Grey bars are the written notes, coloured ones the notes that the keys gave.

figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
for score, colour, height in ((result.score, "0.8", 0.9), (result.played, "tab:blue", 0.4)):
    for note in score.notes:
        axes.barh(note.pitch, note.offset - note.onset, height, note.onset, color=colour)
axes.set(xlabel="time [s]", ylabel="MIDI pitch")
plt.show()
