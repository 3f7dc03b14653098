"""Conditions of the hand: weakness, palsies, tendon transfer, stiff joints, fatigue."""
