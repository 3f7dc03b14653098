"""Muscle sharing against scipy's general optimisers on small problems, and by what defines each
criterion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import NonlinearConstraint, minimize

from musclehand.control.criterion import CRITERIA, TIE_BREAK, Sharing
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.quadratic import SolverError, solve_bounded

COSTS = {
    "squares": lambda a: 0.5 * np.sum(a**2),
    "cubes": lambda a: np.sum(np.abs(a) ** 3) / 3,
    "min-max": lambda a: 0.5 * (max(np.max(a), 0.0) ** 2 + TIE_BREAK * np.sum(a**2)),
}


def problem(seed, *, muscles=6, tasks=3):
    """Fewer tasks than muscles, so that there is something to share. Factor, wanted, lower,
    upper."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=(tasks, muscles))
    lower = rng.uniform(0, 0.1, muscles) * rng.integers(0, 2, muscles)
    upper = lower + rng.uniform(0.2, 0.9, muscles)
    wanted = effect @ rng.uniform(lower, upper)
    return effect.T.copy(), wanted, lower, np.minimum(upper, 1.0)


def scipys(criterion, price, rest, factor, wanted, lower, upper):
    """The least cost found from several starts."""
    square = factor @ factor.T
    gradient = -factor @ wanted
    if criterion == "min-max":
        # With the maximum as an unknown of its own, as SLSQP needs slopes.
        def cost(v):
            a = v[:-1]
            top = v[-1]
            return (
                0.5 * a @ square @ a
                + gradient @ a
                + price * 0.5 * (top**2 + TIE_BREAK * (a - rest) @ (a - rest))
            )

        below = NonlinearConstraint(lambda v: v[-1] - v[:-1] + rest, 0, np.inf)
        start = np.append(0.5 * (lower + upper), 1.0)
        bounds = [*zip(lower, upper, strict=True), (0, 1)]
        found = minimize(
            cost,
            start,
            bounds=bounds,
            constraints=[below],
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return found.x[:-1]

    def cost(a):
        return 0.5 * a @ square @ a + gradient @ a + price * COSTS[criterion](a - rest)

    bounds = list(zip(lower, upper, strict=True))
    found = minimize(
        cost,
        0.5 * (lower + upper),
        bounds=bounds,
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return found.x


@pytest.mark.parametrize("criterion", CRITERIA)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    price=st.sampled_from([0.01, 0.1, 1.0]),
    rest=st.sampled_from([0.0, 0.0, 0.1, 0.4]),
)
def test_nothing_scipy_finds_costs_less(criterion, seed, price, rest):
    factor, wanted, lower, upper = problem(seed)

    def cost(a):
        return 0.5 * np.sum((a @ factor - wanted) ** 2) + price * COSTS[criterion](a - rest)

    found = Sharing(criterion, price, co_contraction=rest).activations(factor, wanted, lower, upper)
    assert (found >= lower - 1e-9).all()
    assert (found <= upper + 1e-9).all()
    expected = scipys(criterion, price, rest, factor, wanted, lower, upper)
    assert cost(found) <= cost(expected) + 1e-8
    assert found == pytest.approx(expected, abs=2e-2)


def test_two_equal_muscles_and_a_weak_one():
    """One torque, arms 1, 1 and 1/2. Squares share by arm, cubes by its square root, min-max
    equally."""
    arms = np.array([[1.0, 1.0, 0.5]])
    factor = 1e2 * arms.T.copy()
    wanted = np.array([1e2 * 0.5])
    for criterion, shares in (
        ("squares", (1, 1, 0.5)),
        ("cubes", (1, 1, np.sqrt(0.5))),
        ("min-max", (1, 1, 1)),
    ):
        found = Sharing(criterion, 1.0).activations(factor, wanted, np.zeros(3), np.ones(3))
        expected = 0.5 * np.array(shares) / (arms[0] @ shares)
        assert found == pytest.approx(expected, rel=0.02 if criterion == "min-max" else 1e-3)


def test_step_after_step():
    """What was solved before does not change what is found."""
    for criterion in CRITERIA:
        kept = Sharing(criterion, 0.05)
        for seed in range(20):
            one = problem(seed, muscles=20, tasks=8)
            assert kept.activations(*one) == pytest.approx(
                Sharing(criterion, 0.05).activations(*one), abs=1e-6
            )


def test_what_cannot_be_shared_is_named():
    with pytest.raises(UnknownName, match="criterion 'cubic'"):
        Sharing("cubic", 1.0)
    with pytest.raises(InvalidValue, match="co_contraction"):
        Sharing("squares", 1.0, co_contraction=-0.1)
    for criterion in CRITERIA:
        with pytest.raises(SolverError):
            Sharing(criterion, 1.0).activations(np.eye(2), np.zeros(2), np.ones(2), np.zeros(2))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    price=st.sampled_from([1e-3, 0.013, 1.0]),
    muscles=st.sampled_from([3, 20, 46]),
)
def test_squares_are_those_of_a_quadratic_programme(seed, price, muscles):
    """With muscles that can do nothing, or only one thing, and more of them than tasks or fewer."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(muscles, 19)) * rng.choice([0.0, 0.01, 1.0, 3.0], (muscles, 1))
    wanted = rng.normal(size=19) * rng.choice([0.0, 0.1, 10.0])
    lower = rng.uniform(0, 0.1, muscles) * rng.integers(0, 2, muscles)
    upper = lower + rng.uniform(0, 0.5, muscles) * rng.integers(0, 2, muscles)
    found = Sharing("squares", price).activations(factor, wanted, lower, upper)
    square = factor @ factor.T + price * np.eye(muscles)
    assert found == pytest.approx(solve_bounded(square, -factor @ wanted, lower, upper), abs=1e-8)


def test_a_task_that_is_not_finite_is_an_error():
    for factor, wanted in (
        (np.full((3, 2), np.nan), np.ones(2)),
        (np.ones((3, 2)), np.array([np.nan, 0.0])),
    ):
        with pytest.raises(SolverError):
            Sharing("squares", 1.0).activations(factor, wanted, np.zeros(3), np.ones(3))
