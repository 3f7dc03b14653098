"""
Look at a plan
==============

A plan says which finger strikes each key, when it is released, and how the wrists move. It needs no
simulation, and any controller can play it.
"""

import musclehand as mh

score = mh.load_score("minuet_in_g", clip=(0, 6))
plan = mh.plan_performance(score)
print(f"the plan's own ceiling: frame F1 {plan.metrics.frame_f1_micro:.3f}")
for note in plan.planned.notes[:5]:
    hand = note.hand.name.lower()
    print(f"{note.onset:.2f} s  pitch {note.pitch}  {hand} hand, finger {note.finger}")

# %%
# Numbers are fingers: 1 is the thumb. `plan.draw("plan.png")` writes the figure to a file.

figure = plan.draw()
