"""Where worlds are simulated: what a choice comes to, and that runs do not change sides."""

from importlib import metadata

import pytest

from musclehand.core.checkpoint import CheckpointError, load_latest, save_checkpoint
from musclehand.core.errors import InvalidValue
from musclehand.sim import warp
from musclehand.sim.backend_choice import describe_backend, make_worlds, resolve_backend
from musclehand.sim.cpu import CpuBackend


@pytest.fixture
def versions(monkeypatch):
    """What packages are of which version; those that are not named are not there."""
    installed = {}

    def version(package):
        if package not in installed:
            raise metadata.PackageNotFoundError(package)
        return installed[package]

    monkeypatch.setattr(warp.metadata, "version", version)
    return installed


def test_without_warp_auto_is_the_processor_and_warp_an_error(versions):
    assert resolve_backend("cpu") == resolve_backend("auto") == "cpu"
    with pytest.raises(warp.MissingWarp, match=r"mujoco-warp 4\.0, here not there"):
        resolve_backend("warp")


def test_an_old_warp_counts_as_none(versions):
    versions |= {"mujoco-warp": "4.0.0", "warp-lang": "1.12.1"}
    assert resolve_backend("auto") == "cpu"
    with pytest.raises(warp.MissingWarp, match=r"warp-lang 1\.19, here 1\.12"):
        resolve_backend("warp")


@pytest.mark.parametrize("gpu", [True, False])
def test_auto_is_warp_where_there_is_a_gpu(monkeypatch, gpu):
    monkeypatch.setattr(warp, "gpu_available", lambda: gpu)
    assert resolve_backend("auto") == ("warp" if gpu else "cpu")
    assert resolve_backend("cpu") == "cpu"


def test_a_run_goes_on_with_what_has_begun_it(monkeypatch, tmp_path):
    monkeypatch.setattr(warp, "gpu_available", lambda: True)
    kinds = {"cpu": describe_backend("cpu"), "gpu": describe_backend("warp")}
    monkeypatch.setattr(warp, "gpu_available", lambda: False)
    kinds["none"] = describe_backend("warp")
    for name, entry in kinds.items():
        save_checkpoint(tmp_path / name, 1, {}, entry)
        for resumed, entries in kinds.items():
            if name == resumed:
                assert load_latest(tmp_path / name, **entries).number == 1
            else:
                with pytest.raises(CheckpointError, match="backend"):
                    load_latest(tmp_path / name, **entries)
    # Runs from before there was a choice were on the processor.
    save_checkpoint(tmp_path / "old", 1, {}, {})
    assert load_latest(tmp_path / "old", **kinds["cpu"]).number == 1


def test_names_of_backends_are_checked(right_hand):
    model, _ = right_hand
    assert isinstance(make_worlds("cpu", model, 2, num_threads=2), CpuBackend)
    with pytest.raises(InvalidValue, match="cpu or warp"):
        make_worlds("gpu", model, 2)
