"""Numbers in MuJoCo's messages become names."""

import mujoco
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.untrusted.part_names import name_parts


@pytest.fixture(scope="module")
def spec():
    hand = hand_spec(Side.RIGHT)
    hand.compile()
    return hand


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("actuator", "nu"),
        ("tendon", "ntendon"),
        ("joint", "njnt"),
        ("geom", "ngeom"),
        ("site", "nsite"),
        ("body", "nbody"),
        ("equality", "neq"),
    ],
)
def test_each_kind_of_part_has_the_name_of_the_compiled_model(spec, kind, count):
    model = spec.copy().compile()
    for number in (0, 1, getattr(model, count) - 1):
        name = getattr(model, kind)(number).name
        assert name_parts(f"no {kind} {number}, here", spec) == f"no {kind} {name!r}, here"


def test_what_has_no_name_keeps_its_number():
    spec = mujoco.MjSpec.from_string(
        "<mujoco><worldbody><geom size='1'/><body name='bone'><geom size='1'/></body></worldbody>"
        "</mujoco>"
    )
    spec.compile()
    message = "geom 1 and geom 7 of body 1; 2 geoms, subbody 1"
    assert name_parts(message, spec) == "geom 1 and geom 7 of body 'bone'; 2 geoms, subbody 1"
