"""Learning algorithms for muscle-driven hands, in PyTorch.

A learner knows an environment only as `core.vec_env.VecEnv`, and each training is a loop of
iterations in a folder of checkpoints, from which it resumes to the same bits (`learning.training`).

- `dagger`: imitation of a teacher (DAgger), `DaggerTraining`.
- `apg`: analytic policy gradients, backpropagation through the simulation, `ApgTraining`.
- `ppo`: PPO by rsl-rl-lib, `PpoTraining`.
- `latent_distill`, `latent_apg`: a latent action space, by a conditional VAE with a
  state-dependent prior (`vae.LatentPolicy`).
- `high_level_distill`: a policy that acts in that space (`high_level.HighLevelNetwork`).
- `shards`, `ray_shards`, `ray_cluster`: environments and trainings on several machines.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
