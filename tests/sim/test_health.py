"""Damaged worlds: all found within one control step, none of the healthy ones, neighbours
untouched to the bit."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.sim.cpu import CpuBackend
from musclehand.sim.health import HealthMonitor, load_failed_state

NAN = float("nan")
INF = float("inf")

DAMAGE = [
    *(("qpos", value) for value in (NAN, INF, -INF, 1e12, 1e300, 50.0)),
    *(("qvel", value) for value in (NAN, INF, -INF, 1e8, 1e4)),
    *(("act", value) for value in (NAN, INF, -INF, 50.0, 1e300)),
    *(("ctrl", value) for value in (NAN, INF, -INF, 1e6, 1e300)),
    *(("xfrc_applied", value) for value in (NAN, INF, -INF, 1e12)),
]
WORLDS = 100
STEPS = 4


def controls(rng, model):
    return 0.2 * rng.random((WORLDS, model.nu))


def test_three_thousand_injections(right_hand):
    """30 rounds of 100 damaged worlds between 100 healthy ones; the healthy ones have a twin
    without neighbours."""
    model, _ = right_hand
    rng = np.random.default_rng(5)
    monitor = HealthMonitor(CpuBackend(model, 2 * WORLDS))
    alone = CpuBackend(model, WORLDS)
    backend = monitor.backend
    sick = np.arange(0, 2 * WORLDS, 2)
    healthy = np.arange(1, 2 * WORLDS, 2)
    detected = 0
    for _ in range(30):
        ctrl = np.repeat(controls(rng, model), 2, axis=0)
        for world in sick:
            name, value = DAMAGE[int(rng.integers(len(DAMAGE)))]
            rows = ctrl if name == "ctrl" else backend.read(name)
            row = np.array(rows[world])
            row.reshape(-1)[int(rng.integers(row.size))] = value
            if name == "ctrl":
                ctrl[world] = row
            else:
                backend.write(name, row[None], np.array([world]))
        wrong = monitor.step(ctrl[None], steps_each=STEPS)
        assert not wrong[healthy].any()
        detected += int(wrong[sick].sum())
        alone.write("ctrl", ctrl[healthy])
        alone.step(STEPS)
        np.testing.assert_array_equal(backend.state()[healthy], alone.state())
        assert np.isfinite(backend.state()).all()
    assert detected == 3000
    assert sum(monitor.counts.values()) == 3000


def test_a_blow_up_within_the_step_is_seen_by_its_time(right_hand):
    """Unknown to the check of the state before: a model of its own that flies apart."""
    model, _ = right_hand
    backend = CpuBackend(model, 3)
    monitor = HealthMonitor(backend)
    springs = backend.field("jnt_stiffness")[[1]]
    backend.set_field("jnt_stiffness", springs + 1e13, np.array([1]))
    qpos = np.array(backend.read("qpos"))
    qpos[:, 5] += 0.1
    backend.write("qpos", qpos)
    wrong = [monitor.step(np.zeros((1, 3, model.nu)), steps_each=STEPS) for _ in range(3)]
    assert next(row.tolist() for row in wrong) == [False, True, False]
    assert not np.array(wrong)[:, [0, 2]].any()


def test_healthy_worlds_are_left_alone_for_long(right_hand):
    model, _ = right_hand
    rng = np.random.default_rng(0)
    monitor = HealthMonitor(CpuBackend(model, 8))
    for _ in range(100):
        assert not monitor.step(rng.random((1, 8, model.nu)) ** 2, steps_each=STEPS).any()
    assert sum(monitor.counts.values()) == 0


def test_the_state_that_went_wrong_is_kept(right_hand, tmp_path):
    model, _ = right_hand
    backend = CpuBackend(model, 3)
    monitor = HealthMonitor(backend, folder=tmp_path / "bad", max_files=2)
    for _ in range(3):
        ctrl = np.full((3, model.nu), 0.1)
        monitor.step(ctrl[None], steps_each=STEPS)
        ctrl[2, 7] = NAN
        assert monitor.step(np.array([ctrl, ctrl]), steps_each=STEPS).tolist() == [
            False,
            False,
            True,
        ]
    assert monitor.counts["control"] == 3
    assert len(monitor.files) == 2
    kept = load_failed_state(monitor.files[0])
    assert kept["ctrl"].shape == (2, model.nu)
    assert np.isnan(kept["ctrl"][0, 7])
    assert kept["world"] == 2
    assert kept["state"].shape == backend.state()[0].shape
    assert str(kept["reason"]) == "control"
    monitor.files[0].write_bytes(b"nothing")
    with pytest.raises(InvalidValue):
        load_failed_state(monitor.files[0])
