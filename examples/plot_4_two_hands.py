"""
What is different between two hands
===================================

The bundled hand beside a smaller and weaker one, in anatomical words.
"""

import musclehand as mh

small = mh.load_hand(mh.Side.RIGHT, hand_length=0.165, hand_breadth=0.072, strength_scale=0.6)
changes = mh.diff("musclehand", small)
print(changes)
