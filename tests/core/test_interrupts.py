# ruff: noqa: PT012 - the block is what is tested
"""Ctrl-C is noted in a deferred block and raised at a safe point, whatever it falls into."""

import os
import signal
import threading
import time

import pytest

from musclehand.core import interrupts


@pytest.fixture(autouse=True)
def _python_s_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press():
    signal.raise_signal(signal.SIGINT)


def run_in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_without_an_interrupt_nothing_happens():
    with interrupts.deferred():
        interrupts.check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_waits_for_a_safe_point():
    steps = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        for step in range(5):
            interrupts.check()
            if step == 2:
                press()
            steps.append(step)
    assert steps == [0, 1, 2]


def test_an_interrupt_in_a_finalizer_is_not_lost():
    class Finalized:
        def __del__(self):
            press()

    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        item = Finalized()
        del item
        reached.append("after the finalizer")
        interrupts.check()
    assert reached == ["after the finalizer"]


def test_the_end_of_the_block_is_a_safe_point():
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nested_blocks_are_one():
    order = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        with interrupts.deferred():
            press()
        order.append("outer block")
    assert order == ["outer block"]


def test_a_second_interrupt_is_raised_at_once():
    order = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
        order.append("first")
        press()
        order.append("never")
    assert order == ["first"]


def test_nothing_interrupts_a_shielded_part():
    order = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        with interrupts.shielded():
            press()
            press()
            interrupts.check()
            order.append("closed")
        interrupts.check()
    assert order == ["closed"]


def test_without_a_safe_point_it_is_raised_in_the_end(monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    waited = threading.Event()
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
        waited.wait(10.0)
    assert not waited.is_set()


@pytest.mark.skipif(os.name != "posix", reason="signals to a thread")
def test_waiting_ends_once_patience_does(monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
        time.sleep(10.0)
    assert time.monotonic() - begin < 5.0


def test_after_a_shielded_part_patience_begins_anew(monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    order = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
        with interrupts.shielded():
            with interrupts.shielded():
                time.sleep(0.2)
            time.sleep(0.2)
            order.append("closed")
        threading.Event().wait(10.0)
        order.append("never")
    assert order == ["closed"]


def test_an_interrupt_is_raised_once(monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    with interrupts.deferred():
        with pytest.raises(KeyboardInterrupt):
            press()
            interrupts.check()
        time.sleep(0.2)
        interrupts.check()
    with interrupts.deferred():
        interrupts.check()


def test_an_error_in_the_block_is_raised_as_it_is():
    with pytest.raises(ValueError, match="mine"), interrupts.deferred():
        press()
        raise ValueError("mine")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with interrupts.deferred():
        interrupts.check()


def test_where_no_thread_can_be_started_an_interrupt_is_raised_at_once(monkeypatch):
    def fail(timer):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", fail)
    order = []
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
        order.append("never")
    assert order == []


def test_a_handler_of_ones_own_stays():
    received = []
    signal.signal(signal.SIGINT, lambda *_: received.append("mine"))
    with interrupts.deferred():
        press()
        interrupts.check()
    assert received == ["mine"]


def test_other_threads_are_left_alone():
    problems = []

    def work():
        try:
            with interrupts.deferred():
                interrupts.check()
        except BaseException as error:
            problems.append(error)

    run_in_thread(work)
    assert problems == []


def test_other_threads_do_not_take_or_hold_an_interrupt_of_the_main_thread():
    reached = []

    def work():
        with interrupts.shielded():
            interrupts.check()
            reached.append("end of the thread")
            started.set()
            finished.wait(10.0)

    started = threading.Event()
    finished = threading.Event()
    thread = threading.Thread(target=work)
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        press()
        thread.start()
        started.wait(10.0)
        try:
            interrupts.check()
            reached.append("never")
        finally:
            finished.set()
    thread.join()
    assert reached == ["end of the thread"]
