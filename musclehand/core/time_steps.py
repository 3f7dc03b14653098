"""Time steps that simulation, planning, control and recorded motion share."""

from __future__ import annotations

SIM_DT = 0.002
"""[s] Simulation step; chosen, stiff contacts and joint limits are set for it."""

SIM_STEPS = 4
"""Simulation steps in a control step of a policy or of tracked motion; chosen, 125 Hz."""

CONTROL_DT = SIM_STEPS * SIM_DT
"""[s] Control step of a policy, and step of motion clips."""
