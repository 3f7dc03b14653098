"""Batched environments of muscle-driven hands, as `core.vec_env` defines them.

- `tracking.env.TrackingEnv`: hands follow reference motion; excitations of 46 muscles at 125 Hz.
- `piano.env.PianoEnv`: pairs of hands play pieces by latent actions at a lower rate.
- `gym`: one tracking hand as a Gymnasium environment, `gymnasium.make("musclehand:TrackHand-v0")`.
- `gradients`: derivatives of a tracking hand's steps, for analytic policy gradients.
- `demonstrations`: plans of the model-based player, as references and as labels.
- `reference`: clips of motion as arrays; `observation`: observations as tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
