"""The bounded quadratic step against scipy's bounded least squares and against its own
optimality conditions."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, nnls

from musclehand.core.quadratic import BoundedSolver, SolverError, solve_bounded, solve_constrained

problems = st.tuples(st.integers(1, 46), st.integers(0, 2**32 - 1))


def random_problem(size, seed):
    """A matrix with more rows than columns, a right-hand side, and bounds of which some bind."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size + 5, size))
    lower = rng.uniform(-1, 0.5, size)
    return matrix, rng.normal(size=size + 5), lower, lower + rng.uniform(0.01, 1, size)


@settings(max_examples=60)
@given(problems)
def test_agrees_with_bounded_least_squares(problem):
    matrix, right, lower, upper = random_problem(*problem)
    solution = solve_bounded(matrix.T @ matrix, -matrix.T @ right, lower, upper)
    expected = lsq_linear(matrix, right, (lower, upper), method="bvls", tol=1e-14).x
    assert solution == pytest.approx(expected, abs=1e-6)


@settings(max_examples=40)
@given(problems)
def test_agrees_with_non_negative_least_squares(problem):
    matrix, right, _, _ = random_problem(*problem)
    size = matrix.shape[1]
    solution = solve_bounded(
        matrix.T @ matrix, -matrix.T @ right, np.zeros(size), np.full(size, 1e6)
    )
    assert solution == pytest.approx(nnls(matrix, right)[0], abs=1e-6)


@settings(max_examples=60)
@given(problems)
def test_meets_bounds_and_optimality(problem):
    """At the solution the slope is zero inside the bounds, and pushes outwards on them."""
    matrix, right, lower, upper = random_problem(*problem)
    hessian = matrix.T @ matrix + 1e-2 * np.eye(matrix.shape[1])
    gradient = -matrix.T @ right
    x = solve_bounded(hessian, gradient, lower, upper)
    assert (x >= lower - 1e-9).all()
    assert (x <= upper + 1e-9).all()
    slope = hessian @ x + gradient
    scale = 1e-6 * (1 + np.abs(gradient).max())
    at_lower = x < lower + 1e-7
    at_upper = x > upper - 1e-7
    assert np.abs(slope[~at_lower & ~at_upper]).max(initial=0) < scale
    assert slope[at_lower & ~at_upper].min(initial=0) > -scale
    assert slope[at_upper & ~at_lower].max(initial=0) < scale


@settings(max_examples=30)
@given(problems)
def test_a_start_changes_nothing_but_the_time(problem):
    matrix, right, lower, upper = random_problem(*problem)
    hessian = matrix.T @ matrix
    gradient = -matrix.T @ right
    cold = solve_bounded(hessian, gradient, lower, upper)
    assert solve_bounded(
        hessian, gradient, lower, upper, start=0.5 * (lower + upper)
    ) == pytest.approx(cold, abs=1e-8)


def test_inputs_are_left_alone():
    matrix, right, lower, upper = random_problem(8, 1)
    given_arrays = matrix.T @ matrix, -matrix.T @ right, lower, upper
    copies = [array.copy() for array in given_arrays]
    solve_bounded(*given_arrays)
    for array, copy in zip(given_arrays, copies, strict=True):
        assert np.array_equal(array, copy)


def test_contradicting_bounds_are_an_error():
    with pytest.raises(SolverError, match="2 unknowns"):
        solve_bounded(np.eye(2), np.zeros(2), np.ones(2), -np.ones(2))


def test_one_problem_after_the_other():
    """Whatever came before, a problem of another size or one without a solution, each is solved
    as by itself."""
    solver = BoundedSolver()
    for seed, size in enumerate((5, 5, 5, 19, 19, 46, 46, 46, 5)):
        matrix, right, lower, upper = random_problem(size, seed)
        problem = matrix.T @ matrix, -matrix.T @ right, lower, upper
        assert solver.solve(*problem) == pytest.approx(solve_bounded(*problem), abs=1e-9)
        if seed in (1, 4):
            with pytest.raises(SolverError):
                solver.solve(*problem[:2], upper, lower)


def test_a_chain_of_problems_stays_exact():
    """Changing a little from one to the next, as in control, so that each starts from the last
    one's bounds."""
    solver = BoundedSolver()
    rng = np.random.default_rng(0)
    matrix, right, lower, upper = random_problem(30, 1)
    for _ in range(40):
        matrix += 0.03 * rng.normal(size=matrix.shape)
        right += 0.2 * rng.normal(size=right.shape)
        solution = solver.solve(matrix.T @ matrix, -matrix.T @ right, lower, upper)
        assert solution == pytest.approx(
            lsq_linear(matrix, right, (lower, upper), method="bvls", tol=1e-14).x, abs=1e-6
        )


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_constraints_are_kept_and_cost_no_more_than_they_must(size, seed):
    """Turned into bounds: x = T y with constraints on y as rows of the inverse has the solution
    of the bounded y."""
    matrix, right, lower, upper = random_problem(size, seed)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    hessian = matrix.T @ matrix
    gradient = -matrix.T @ right
    plain = solve_bounded(hessian, gradient, lower, upper)
    far = np.full(size, 1e3)
    rows = np.vstack([turn.T, -turn.T])
    limits = np.concatenate([upper, -lower])
    solution = solve_constrained(turn @ hessian @ turn.T, turn @ gradient, -far, far, rows, limits)
    assert turn.T @ solution == pytest.approx(plain, abs=1e-6)
    with pytest.raises(SolverError):
        solve_constrained(
            hessian, gradient, -far, far, np.vstack([rows[:1], -rows[:1]]), np.array([-1.0, -1.0])
        )


def test_a_solver_sent_elsewhere_starts_afresh():
    """What it is sent for is the same problem solved to the same bits wherever it is new."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(12, 12))
    problem = (
        matrix @ matrix.T + np.eye(12),
        rng.normal(size=12),
        np.full(12, -0.1),
        np.full(12, 0.1),
    )
    used = BoundedSolver()
    used.solve(np.eye(12), np.ones(12), np.zeros(12), np.ones(12))
    sent = pickle.loads(pickle.dumps(used))
    assert sent.solve(*problem).tobytes() == BoundedSolver().solve(*problem).tobytes()
