"""Trained policies on file: saving, loading, and checking that they fit hand and observation.

- `tracking`: policies that follow reference motion, `load_tracking_policy`.
- `latent`: latent action spaces, `load_latent_space`.
- `high_level`: policies that play at sight in a latent action space, `load_high_level_policy`.
- `fingerprint`: hashes of body and observation, which a policy's file has to agree with.
- `files`: names and places of the files; `previous_release`: files of the release before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
