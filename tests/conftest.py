"""Fixtures that are slow to build and never changed by a test, and the profiles of hypothesis."""

import mujoco
import pytest
from hypothesis import settings

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.tables import load_tables
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.sim.scene import build_scene
from musclehand.validation.check import Specimen
from musclehand.validation.specimen import open_specimens

# The same examples on every run, so that a failure belongs to the change that made it; `pytest
# --hypothesis-profile search` looks at other ones and at more of them.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("repeatable")


@pytest.fixture
def one_thread():
    """Torch on one thread: on more, sums depend on how many."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tables():
    return load_tables()


@pytest.fixture(scope="session")
def right_hand():
    """A model of the right hand alone and where its parts are."""
    return _hand(Side.RIGHT)


@pytest.fixture(scope="session")
def left_hand():
    return _hand(Side.LEFT)


@pytest.fixture(scope="session")
def ours(right_hand):
    """Our right hand, to be examined."""
    return Specimen("ours", *right_hand, own_naming())


@pytest.fixture(scope="session")
def other_side(left_hand):
    """Our left hand, to be examined."""
    return Specimen("ours", *left_hand, own_naming())


@pytest.fixture(scope="session")
def myohand():
    """MyoHand, whose faults are known, to be examined."""
    (specimen,) = open_specimens("myohand")
    return specimen


@pytest.fixture(scope="session")
def scene():
    """Piano and two hands."""
    return build_scene()


@pytest.fixture
def right_data(right_hand):
    return mujoco.MjData(right_hand[0])


def _hand(side):
    model = load_hand(side)
    return model, HandIndex.from_model(model, side)
