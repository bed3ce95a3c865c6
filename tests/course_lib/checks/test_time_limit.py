"""An answer that never returns ends, whatever it does, and the kernel goes on."""

import signal
import sys
import threading
import time

import pytest

from course_lib import checks
from course_lib.checks import CheckFailed, check_answers, time_limit

LIMIT = 0.4


def busy():
    while True:
        pass


def asleep():
    time.sleep(1e9)


def catches_exceptions():
    while True:
        try:
            time.sleep(0.001)
        except Exception as error:
            print(error)


def catches_everything():
    while True:
        try:
            time.sleep(0.001)
        except BaseException as error:
            print(error)


def recursive_waiting():
    threading.Event().wait()


def in_numpy():
    import numpy as np

    while True:
        np.linalg.svd(np.ones((20, 20)))


def raises():
    raise KeyError("mine")


ENDLESS = [busy, asleep, catches_exceptions, catches_everything, recursive_waiting, in_numpy]
WAYS = [time_limit.call, time_limit._in_a_thread]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endless", ENDLESS)
def test_an_endless_call_is_ended(endless, way):
    if endless is catches_everything and way is time_limit._in_a_thread:
        pytest.skip("its thread is left behind, and would go on in other tests")
    began = time.monotonic()
    with pytest.raises(time_limit.TimeLimitReached):
        way(LIMIT, endless)
    assert LIMIT * 0.9 < time.monotonic() - began < 20 * LIMIT


@pytest.mark.parametrize("way", WAYS)
def test_results_and_exceptions_come_through(way):
    assert way(LIMIT, lambda a, b: a + b, 1, 2) == 3
    with pytest.raises(KeyError, match="mine"):
        way(LIMIT, raises)


def test_nothing_is_left_behind():
    handler, timer = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    for _ in range(3):
        with pytest.raises(time_limit.TimeLimitReached):
            time_limit.call(LIMIT / 4, busy)
    assert signal.getsignal(signal.SIGALRM) == handler
    # pytest's own timer goes on, for this test may be under one.
    assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) == (timer[0] > 0)
    began = time.monotonic()
    time.sleep(0.3)  # no alarm comes later
    assert time.monotonic() - began >= 0.3


def test_a_call_may_stand_in_another_thread():
    ended = []

    def work():
        try:
            time_limit.call(LIMIT, asleep)
        except time_limit.TimeLimitReached:
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20 * LIMIT)
    assert ended == [True]


def test_an_import_does_not_count(tmp_path, monkeypatch):
    """A framework may take long to load, and half of a module must not stay."""
    (tmp_path / "slow_module.py").write_text(f"import time\ntime.sleep({3 * LIMIT})\nvalue = 7\n")
    monkeypatch.syspath_prepend(tmp_path)

    def imports():
        import slow_module

        return slow_module.value

    assert time_limit.call(LIMIT, imports) == 7
    assert "slow_module" in sys.modules


def test_a_check_says_that_an_answer_does_not_return(monkeypatch):
    monkeypatch.setattr(check_answers, "TIME_LIMIT", LIMIT)

    def halved(channels):
        side, poolings = 32, 0
        while channels * side**2 >= 32**2:
            side, poolings = max(1, side // 2), poolings + 1
        return poolings

    with pytest.raises(CheckFailed) as failure:
        checks.check("04.poolings_needed", halved)
    assert "after 0.4 seconds, for channels = " in str(failure.value)
    assert "a loop that does not end" in str(failure.value)


def test_a_generator_that_does_not_end_is_no_endless_check(monkeypatch):
    monkeypatch.setattr(check_answers, "TIME_LIMIT", LIMIT)

    def forever(*arguments):
        while True:
            pass
        yield

    with pytest.raises(CheckFailed, match="had not returned"):
        checks.check("01.gray_pixel", forever)


def test_the_limit_is_ten_seconds_where_the_processor_is_free():
    assert check_answers.TIME_LIMIT == 10
    assert time_limit._counted(1.0, 1.0) == time_limit._counted(1.0, 0.0) == 1.0
    assert time_limit._counted(1.0, 0.1) == time_limit.LEAST
    assert time_limit._counted(1.0, 4.0) == 1.0  # several threads
