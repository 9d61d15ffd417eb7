"""Long work in turns: in order, in short turns, functions in a thread, given up cleanly."""

import threading
import time

import pytest

from soliloquy.addon.turns import Turns, finish_at_once


def counted(steps: list, *, closed: list | None = None):
    """A task of ten short steps and one function; ends with what the function returned."""
    try:
        for number in range(10):
            steps.append(number)
            time.sleep(0.003)
            yield
        here = threading.current_thread()
        other = yield threading.current_thread
        return other is not here
    finally:
        if closed is not None:
            closed.append(True)


def test_turns_are_short_and_functions_run_in_a_thread():
    steps, seen = [], []
    turns = Turns(counted(steps))
    while not turns.done:
        turns.take()
        seen.append(len(steps))
    assert turns.result is True and steps == list(range(10))
    assert len(set(seen)) > 1, "one turn does not do all"


def test_where_drawing_is_slow_turns_are_longer_but_never_long(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("soliloquy.addon.turns.time.perf_counter", lambda: clock[0])

    def task():
        for _ in range(100):
            clock[0] += 0.01
            yield

    def longest_turn_s(drawing_s: float) -> float:
        turns, longest = Turns(task()), 0.0
        while not turns.done:
            began = clock[0]
            turns.take()
            longest = max(longest, clock[0] - began)
            clock[0] += drawing_s
        return longest

    assert longest_turn_s(0.005) < 0.031
    assert 0.035 < longest_turn_s(0.8) < 0.051


def test_a_task_says_what_it_does():
    said = []

    def task():
        yield "rig"
        said.append(turns.doing)
        yield "curves"
        yield lambda: said.append(turns.doing)

    turns = Turns(task())
    while not turns.done:
        turns.take()
    assert said == ["rig", "curves"] and turns.doing == "curves"
    assert finish_at_once(task()) is None


def test_at_once_gives_the_same_result_in_one_thread():
    assert finish_at_once(counted([])) is False


def test_what_the_function_raises_comes_back_to_the_task():
    def task():
        yield lambda: 1 / 0

    turns = Turns(task())
    with pytest.raises(ZeroDivisionError):
        while not turns.done:
            turns.take()
    with pytest.raises(ZeroDivisionError):
        finish_at_once(task())


def test_a_task_given_up_cleans_up():
    steps, closed = [], []
    turns = Turns(counted(steps, closed=closed))
    turns.take()
    turns.stop()
    assert closed == [True] and turns.done and len(steps) < 10
