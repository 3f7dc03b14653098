"""Registration of the Gymnasium environments.

    import gymnasium

    env = gymnasium.make("musclehand:TrackHand-v0")                     # a short generated exercise
    env = gymnasium.make("musclehand:TrackHand-v0", corpus="corpus")    # clips of a corpus

Importing this module loads neither Gymnasium nor the simulation; `envs.track_hand` has the class.
"""

from __future__ import annotations

ENV_ID = "TrackHand-v0"
"""Id of the tracking environment; with its package, "musclehand:TrackHand-v0"."""

EARLIER_ENV_ID = "musclehand/TrackHand-v0"
"""Id of the same environment in release 0.1."""

ENTRY_POINT = "musclehand.envs.track_hand:TrackHand"
"""Where Gymnasium finds the class."""


def register_envs() -> None:
    """Registers the environments with Gymnasium; calling it again changes nothing.

    `gymnasium.make("musclehand:TrackHand-v0")` does this by importing the package, unless it was
    imported before Gymnasium was.
    """
    import gymnasium

    for env_id in (ENV_ID, EARLIER_ENV_ID):
        if env_id not in gymnasium.registry:
            gymnasium.register(env_id, entry_point=ENTRY_POINT)
