"""Training runs: what `musclehand train` does, as functions.

Each function trains in a folder, can be killed at any moment, and is resumed by the same call to
the same bits. Each gives a run object with the trained policy, its file and its metrics.

- `track`: a policy that follows reference motion (`training.tracking`), and `track_seeds`: several,
  with means and intervals (`training.scale_out`).
- `latent`: a latent action space, distilled from a tracking policy (`training.latent_space`).
- `generalist`: a high-level policy that plays at sight (`training.generalist_policy`).
- `piece`: the same, trained on a single piece (`training.piece_policy`).
- `evaluate_tracking`: tracking policies on held-out motion (`training.evaluation`).

Names are loaded when they are first used; the stub `__init__.pyi` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
