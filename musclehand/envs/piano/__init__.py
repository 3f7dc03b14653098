"""Piano playing with two hands, by latent actions at a low rate.

`env` is the environment, `static_env` its variant without physics, `initial_states` draws where
hands start. `body` simulates, `goals` encodes the notes, `observation` and `reward` define what a
policy observes and is rewarded for, `forearm` decodes moves of the forearm, `teacher` labels by a
plan, and `pieces` holds plans and protocols.
"""
