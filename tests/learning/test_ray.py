"""Shards and jobs on a Ray cluster of two machines, one of which is killed: the arrays are those
of no cluster."""

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musclehand.core.checkpoint import checkpoints_in, load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.apg import ApgTraining
from musclehand.learning.ray_cluster import RayUnavailable, cluster, import_ray, run_jobs
from musclehand.learning.ray_shards import RayShards
from musclehand.learning.shards import LocalShards, ShardedEnv, ShardError
from support.differentiable_points import SMALL, fresh
from support.paths import ROOT, TESTS
from support.toy_jobs import backward_gradients, points, slow_points, train, unwilling
from support.tracking_clips import write_small_corpus

NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}

# A machine that died is noticed in two seconds in place of half a minute.
QUICK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 4,
}


def on_a_cluster(test):
    """`pytest -m ray` runs these."""
    return pytest.mark.slow(pytest.mark.ray(test))


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def machines():
    """A cluster; `add_node(**NODE)` and `remove_node`. One machine has the driver, each has room
    for one."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (pip install 'musclehand[ray]')")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    head = {**NODE, "include_dashboard": False, "_system_config": QUICK}
    started = Cluster(initialize_head=True, head_node_args=head)
    try:
        folders = os.pathsep.join([str(ROOT), str(TESTS), *sys.path])
        ray.init(
            address=started.address,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": {"PYTHONPATH": folders}},
        )
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


@pytest.fixture
def second(machines):
    """A machine more."""
    node = machines.add_node(**NODE)
    yield node
    if node in machines.list_all_nodes():
        machines.remove_node(node, allow_graceful=False)


def step_for_a_while(env):
    """A process may outlive its machine's others by a moment."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        env.step(np.zeros((env.num_envs, 2)))


def kill(machines, node):
    machines.remove_node(node, allow_graceful=False)


def kill_when_begun(machines, node, folders):
    """Kills a machine when there are checkpoints in all folders; what does so, to be joined."""

    def start_recording():
        while not all(len(checkpoints_in(folder)) >= 2 for folder in folders):
            time.sleep(0.05)
        kill(machines, node)

    killer = threading.Thread(target=start_recording, daemon=True)
    killer.start()
    return killer


def assert_same(expected, actual):
    whole = load_latest(expected)
    parts = load_latest(actual)
    assert whole.number == parts.number
    assert whole.arrays.keys() == parts.arrays.keys()
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


def test_without_ray_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayUnavailable, match=r"musclehand\[ray\]"):
        import_ray()
    with pytest.raises(RayUnavailable), cluster():
        pytest.fail("there is none")


@on_a_cluster
def test_shards_that_die_are_made_again_where_they_were(machines, second):
    import ray

    local_env = ShardedEnv(LocalShards(points, 2))
    remote_env = ShardedEnv(RayShards(points, 2, patience=60))
    try:
        np.testing.assert_array_equal(local_env.reset(seed=1), remote_env.reset(seed=1))
        rng = np.random.default_rng(0)
        for step in range(40):
            if step == 20:
                np.testing.assert_array_equal(
                    local_env.restore(local_env.state()), remote_env.restore(remote_env.state())
                )
                local_env.start_recording()
                remote_env.start_recording()
            if step in (0, 13, 33):
                ray.kill(remote_env.shards._hosts[step % 2])
            action = rng.uniform(size=(local_env.num_envs, 2))
            local = local_env.step(action)
            remote = remote_env.step(action)
            for name in local._fields[:-1]:
                np.testing.assert_array_equal(getattr(local, name), getattr(remote, name))
            np.testing.assert_array_equal(local.terms["error"], remote.terms["error"])
            np.testing.assert_array_equal(local_env.teacher_action(), remote_env.teacher_action())
        np.testing.assert_array_equal(backward_gradients(local_env), backward_gradients(remote_env))
        assert remote_env.shards.lost == 3
        state = remote_env.state()
        for name, values in local_env.state().items():
            np.testing.assert_array_equal(values, state[name])
            # To continue with, here or there.
            assert state[name].flags.writeable
    finally:
        remote_env.close()


@on_a_cluster
def test_what_cannot_be_is_said(machines):
    with pytest.raises(ShardError, match="shard 0: number of a shard is 0"):
        ShardedEnv(RayShards(unwilling, 1, patience=60))
    with pytest.raises(ShardError, match=r"takes 50 CPUs; machines alive: 1, with 1 CPUs"):
        ShardedEnv(RayShards(points, 1, cpus=50, patience=1))
    with (
        pytest.raises(RayUnavailable, match="no machine of the cluster has 50 CPUs"),
        cluster(cpus=50),
    ):
        pytest.fail("there is none")
    with pytest.raises(RayUnavailable, match="2 of 2 jobs are left"):
        run_jobs(train, [(0, Path(), 0), (1, Path(), 0)], cpus=50, patience=0.5)
    for wrong in ({"cpus": 0}, {"patience": 0}):
        with pytest.raises(InvalidValue):
            RayShards(points, 1, **wrong)
        with pytest.raises(InvalidValue):
            run_jobs(train, [], **wrong)


@on_a_cluster
def test_a_job_that_fails_leaves_the_others_alone(machines, tmp_path):
    with cluster() as ray:
        outcomes = run_jobs(train, [(seed, tmp_path / str(seed), 0.0) for seed in (-1, 4)])
        assert ray.is_initialized()
    assert outcomes[0].error == "seed is -1; it must be 0 or more"
    assert outcomes[1] == (20, None)
    # It was connected before, and still is.
    assert import_ray().is_initialized()


@on_a_cluster
def test_a_training_whose_machine_dies_ends_with_the_same_bits(machines, second, tmp_path):
    config = replace(SMALL, iterations=8)
    ApgTraining(
        ShardedEnv(LocalShards(points, 2)), fresh(), config, tmp_path / "here", identity={}
    ).run()
    env = ShardedEnv(RayShards(slow_points, 2, patience=90))
    # Where a shard can go on; there already are others on the two.
    spare = machines.add_node(**NODE)
    killer = threading.Timer(1.0, kill, (machines, second))
    killer.start()
    try:
        ApgTraining(env, fresh(), config, tmp_path / "there", identity={}).run()
        assert env.shards.lost >= 1
    finally:
        killer.join()
        env.close()
        kill(machines, spare)
    assert_same(tmp_path / "here", tmp_path / "there")


@on_a_cluster
def test_trainings_whose_machine_dies_end_with_the_same_bits(machines, second, tmp_path):
    seeds = (1, 2)
    for seed in seeds:
        train((seed, tmp_path / "plain" / str(seed), 0.0))
    folders = [tmp_path / "ray" / str(seed) for seed in seeds]
    killer = kill_when_begun(machines, second, folders)
    try:
        outcomes = run_jobs(
            train, [(seed, folder, 0.3) for seed, folder in zip(seeds, folders, strict=True)]
        )
    finally:
        killer.join(timeout=30)
    assert [outcome.error for outcome in outcomes] == [None, None]
    starts = [len(list(folder.glob("started_*"))) for folder in folders]
    assert sorted(starts) == [1, 2], "one of them was begun again"
    for seed, folder in zip(seeds, folders, strict=True):
        assert_same(tmp_path / "plain" / str(seed), folder)


@on_a_cluster
def test_the_training_command_outlives_a_machine(machines, second, tmp_path):
    """As it is typed: two seeds on the cluster, and the same two one after the other without it."""
    pytest.importorskip("rsl_rl")
    from support.killed import output_in
    from support.track_command import train_track

    (tmp_path / "corpus").mkdir()
    write_small_corpus(tmp_path / "corpus")
    options = "--dagger.iterations 30 --apg.iterations 40 --ppo.iterations 0 --seeds 0 1"
    train_track(tmp_path, options).finish(tmp_path / "plain")
    seeds = [tmp_path / "ray" / "run" / f"seed_{seed}" for seed in (0, 1)]
    killer = kill_when_begun(machines, second, [folder / "dagger" for folder in seeds])
    command = train_track(tmp_path, options, "--ray", machines.address)
    command.finish(tmp_path / "ray")
    assert "2 seeds" in output_in(tmp_path / "ray")
    killer.join(timeout=30)
    # A log is begun by each attempt.
    assert sorted((folder / "log.txt").read_text().count("clips, ") for folder in seeds) == [1, 2]
    for seed in ("seed_0", "seed_1"):
        seed_command = command._replace(
            run=f"run/{seed}", files=("policy/tracking.safetensors", "scores.json")
        )
        assert seed_command.reached(tmp_path / "plain") > 0
        seed_command.assert_same(tmp_path / "plain", tmp_path / "ray")


@on_a_cluster
def test_with_no_machine_left_it_ends_with_an_error(machines, second):
    env = ShardedEnv(RayShards(points, 2, patience=8))
    try:
        env.reset(seed=0)
        kill(machines, second)
        with pytest.raises(
            ShardError, match=r"shard [01] of 2: it died .* for 8 s .* machines alive: 1"
        ):
            step_for_a_while(env)
    finally:
        env.close()
