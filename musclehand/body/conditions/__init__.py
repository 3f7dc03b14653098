"""Clinical conditions of a hand: weakness, palsies, tendon transfer, stiffness, fatigue."""
