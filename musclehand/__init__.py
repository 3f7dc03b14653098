"""musclehand: muscle-driven human hands in MuJoCo: validated, compared with EMG, playing the piano.

    import musclehand as mh

    result = mh.play("song.mid", out="song")
    report = mh.validate("my_hand.xml")
    print(mh.diff("hand.xml", "my_hand.xml"))
    comparison = mh.emg.compare("song/recording.h5", "trial.c3d", muscle_map="map.csv")
    run = mh.training.track("corpus", out="runs/track")  # run.policy, run.scores

Names are loaded when they are first used (`lazy_loader`); the stub `__init__.pyi` lists them.

`gymnasium.make("musclehand:TrackHand-v0")` imports this package, which then registers its
environment. Where it was imported before gymnasium, call `musclehand.register_envs()` first.
"""

import sys

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

if "gymnasium" in sys.modules:
    from musclehand.envs.gym import register_envs as _register_envs

    _register_envs()
