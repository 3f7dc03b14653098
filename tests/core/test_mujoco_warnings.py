"""MuJoCo's warnings are collected, and afterwards everything is as before."""

import warnings

import mujoco
import pytest

from musclehand.core.mujoco_warnings import silence_mujoco


def warn():
    """Attaching without a prefix makes MuJoCo warn."""
    child = mujoco.MjSpec.from_string(
        "<mujoco><worldbody><body name='b'><geom size='1'/></body></worldbody></mujoco>"
    )
    spec = mujoco.MjSpec()
    spec.worldbody.add_frame().attach_body(child.body("b"), "", "")
    spec.compile()


def test_warnings_are_collected_and_leave_no_file(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with silence_mujoco() as messages:
        warn()
    assert any("prefix" in text for text in messages)
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_an_error_within_goes_on_and_warnings_come_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyError), silence_mujoco():
        raise KeyError
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warn()
    assert heard


def test_within_another_the_outer_one_hears_again_what_follows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with silence_mujoco() as outer:
        with silence_mujoco() as inner:
            warn()
        assert (len(inner), len(outer)) == (1, 0)
        warn()
        assert (len(inner), len(outer)) == (1, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_handler_of_somebody_else_is_given_back():
    heard = []
    mujoco.set_mju_user_warning(heard.append)
    try:
        with silence_mujoco():
            warn()
        with pytest.raises(KeyError), silence_mujoco():
            raise KeyError
        assert heard == []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warn()
        assert len(heard) == 1
    finally:
        mujoco.set_mju_user_warning(None)
