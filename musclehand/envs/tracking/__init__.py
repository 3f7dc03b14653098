"""Motion tracking: one muscle-driven hand in each environment follows reference motion.

`env` is the environment. `body` simulates, `observation` and `reward` define what a policy observes
and is rewarded for, `disturbance` and `sensing` perturb, `starts` draws where episodes begin,
`teacher` is computed muscle control, `evaluation` and `follow` roll out and judge.
"""
