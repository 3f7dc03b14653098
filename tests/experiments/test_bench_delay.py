"""The benchmark of delays: what differs in its worlds, and its tables."""

import sys

import numpy as np
import pytest

from musclehand.core.errors import UnknownName
from musclehand.sim.scene import build_scene
from support.scripts import load


@pytest.fixture(scope="module")
def bench():
    yield load("bench_delay")
    del sys.modules["bench_delay"]


def test_worlds_differ_from_the_belief_as_their_names_say(bench):
    scene = build_scene()
    joints = scene.keys.joint
    muscles = next(iter(scene.hands.values())).muscles
    for name in bench.WORLDS:
        world = bench.make_world(scene, name, 0.008)
        model = world.scene.model
        stiff = model.jnt_stiffness[joints] / scene.model.jnt_stiffness[joints]
        weak = model.actuator_gainprm[muscles, 2] / scene.model.actuator_gainprm[muscles, 2]
        np.testing.assert_allclose(stiff, bench.STIFF if name in (bench.KEYS, bench.ALL) else 1.0)
        np.testing.assert_allclose(weak, bench.WEAK if name in (bench.STRENGTH, bench.ALL) else 1.0)
        assert (world.nature.noise == bench.NOISE) == (name in (bench.SENSES, bench.ALL))
        assert world.nature.delays.sensory == 0.008
    with pytest.raises(UnknownName):
        bench.make_world(scene, "heaven", 0.0)


def test_tables_have_means_over_scores(bench):
    args = bench.Args(delays_ms=(8.0,))
    figures = dict.fromkeys(bench.FIGURES, 0.5)
    rows = {
        name: {case.key: {**figures, "onset_f1_50ms": f1} for case in bench.cases(args.delays_ms)}
        for name, f1 in (("a.mid", 1.0), ("b.mid", 0.5))
    }
    text = bench.as_text(rows, args, 1)
    assert "| 8 ms | 0.750 / 0.50 / 0.500 | 0.750 / 0.50 / 0.500 | 0.50 |" in text
    assert "| a | 1.000 | 1.000 |" in text
