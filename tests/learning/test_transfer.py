"""Transfer of weights: entries that both networks have keep them, and new inputs do nothing yet."""

import numpy as np
import pytest
import torch

from musclehand.core.errors import InvalidValue
from musclehand.learning.policy import Policy
from musclehand.learning.torch_state import module_arrays
from musclehand.learning.transfer import (
    concatenate,
    load_matched,
    match_names,
    select,
    unchanged,
)

EARLIER = ("a", "b", "c", "d")
CURRENT = ("d", "new", "a", "c")


def test_axes_are_matched_by_name():
    match = match_names(EARLIER, CURRENT)
    assert match.places.tolist() == [3, -1, 0, 2]
    assert match.size == 4
    assert unchanged(3).places.tolist() == [0, 1, 2]
    joined = concatenate(match, unchanged(2))
    assert joined.places.tolist() == [3, -1, 0, 2, 4, 5]
    assert joined.size == 6


def test_masks_select_a_part_of_an_axis():
    earlier = np.array([True, False, True, True])
    current = np.array([True, True, False, True])
    part = select(match_names(EARLIER, CURRENT), earlier, current)
    # Of a, c, d those that the new axis' d, new and c are.
    assert part.places.tolist() == [2, -1, 1]
    assert part.size == 3


@pytest.mark.parametrize("hidden", [(8, 7), ()])
def test_outputs_do_not_change_and_do_not_depend_on_new_inputs(hidden):
    rng = np.random.default_rng(0)
    source = Policy(len(EARLIER), 3, hidden, seed=1)
    source.fit_normalisation(rng.normal(size=(20, len(EARLIER))))
    policy = Policy(len(CURRENT), 3, hidden, seed=2)
    policy.fit_normalisation(np.full((2, len(CURRENT)), 7.0))
    inputs = match_names(EARLIER, CURRENT)
    outputs = match_names("xyz", "zxy")
    last = f"layers.{2 * len(hidden)}"
    matches = {
        "mean": (inputs,),
        "std": (inputs,),
        "layers.0.weight": (None, inputs),
        f"{last}.weight": (outputs, None if hidden else inputs),
        f"{last}.bias": (outputs,),
    }
    load_matched("policy", policy, module_arrays("policy", source), matches)
    observation = rng.normal(size=(5, len(CURRENT)))
    earlier = np.zeros((5, len(EARLIER)))
    for name in set(EARLIER) & set(CURRENT):
        earlier[:, EARLIER.index(name)] = observation[:, CURRENT.index(name)]
    # What only the earlier network has counts as its mean.
    earlier[:, 1] = source.mean[1]
    np.testing.assert_allclose(
        policy.act(observation), source.act(earlier)[:, [2, 0, 1]], rtol=1e-6
    )
    # Normalisation of the new input is the new network's own.
    assert policy.mean[1] == 7.0
    policy_again = policy.act(observation + np.eye(4)[1])
    np.testing.assert_array_equal(policy_again, policy.act(observation))


def test_arrays_of_another_shape_are_refused_and_some_may_stay():
    policy = Policy(3, 2, (4,))
    arrays = module_arrays("policy", Policy(3, 2, (4,), seed=5))
    mean = policy.mean.clone()
    load_matched("policy", policy, {**arrays, "policy/mean": np.ones(3)}, {}, keep=("mean",))
    assert torch.equal(policy.mean, mean)
    np.testing.assert_array_equal(
        policy.state_dict()["layers.0.weight"].numpy(), arrays["policy/layers.0.weight"]
    )
    with pytest.raises(InvalidValue, match=r"policy/layers\.0\.weight is \(4, 3\)"):
        load_matched(
            "policy", policy, arrays, {"layers.0.weight": (None, match_names("ab", "abc"))}
        )
    with pytest.raises(InvalidValue, match="policy/mean"):
        load_matched("policy", policy, {k: v for k, v in arrays.items() if k != "policy/mean"}, {})
