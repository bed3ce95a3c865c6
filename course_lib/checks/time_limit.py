"""Ends a call that does not return, without harm to the kernel that it runs in.

Where there are timers (Linux, macOS) and the call is made in the main thread, an alarm raises an
exception in the middle of it, which also ends `time.sleep`. Anywhere else the call runs in a
thread of its own, which is left behind if it does not end.
"""

import contextvars
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

TICK = 0.1  # seconds between two looks at the clock, and two alarms if one is caught
HURRY = 0.0013  # seconds between two alarms after `MANY` were caught by `except:` in a loop
MANY = 5
ASLEEP = 0.02  # share of the processor below which nothing is computed
LEAST = 0.4  # share of its time that counts for a call that has to wait for the processor
PATIENCE = 12  # times the limit is what a call may take together with its imports
_IMPORTS = "<frozen importlib"


class TimeLimitReached(Exception):
    """A call that had not returned when its time was up."""


class _Alarm(BaseException):
    """Raised in the call itself; `except Exception` does not catch it."""


def call(seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns for the arguments, if it returns within the time.

    Raises:
        TimeLimitReached: it does not.
        Any other exception: `function` raised it.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    has_timer = hasattr(signal, "setitimer") and in_main_thread
    return (_with_alarm if has_timer else _in_a_thread)(seconds, function, *arguments)


class _Watch:
    """Raises in the main thread when the time is up, again and again until `is_over`.

    Neither an import counts nor the time in a debugger, within reason. Where others keep the
    processor busy, time counts less, so that a right answer is not too slow on a busy machine.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.used = 0.0
        self.began = self.before = time.monotonic()
        self.cpu_before = time.process_time()
        self.is_over = False
        self.num_alarms = 0

    def tick(self, signal_number: int, frame: FrameType | None) -> None:
        """Handle the timer's signal."""
        now, cpu_now = time.monotonic(), time.process_time()
        if not (_is_debugged() or _is_importing(frame)):
            self.used += _counted(now - self.before, cpu_now - self.cpu_before)
        self.before, self.cpu_before = now, cpu_now
        is_late = self.used >= self.seconds or now - self.began > PATIENCE * self.seconds
        if is_late and not self.is_over:
            self.num_alarms += 1
            if self.num_alarms == MANY:
                signal.setitimer(signal.ITIMER_REAL, HURRY, HURRY)
            raise _Alarm


def _counted(seconds: float, cpu_seconds: float) -> float:
    """The part of some seconds that counts: all of it if the call was asleep or at work."""
    share = cpu_seconds / seconds if seconds else 1
    return seconds * (1 if share < ASLEEP else min(max(share, LEAST), 1))


def _with_alarm(seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
    watch = _Watch(seconds)
    handler = signal.signal(signal.SIGALRM, watch.tick)
    timer = signal.getitimer(signal.ITIMER_REAL)
    result = None
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, min(seconds, TICK), min(seconds, TICK))
            result = function(*arguments)
        finally:
            watch.is_over = True
    except _Alarm:
        pass
    finally:
        watch.is_over = True  # once more: the alarm may have come between `finally` and this
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
    if watch.num_alarms:
        raise TimeLimitReached from None
    return result


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTS):
            return True
        frame = frame.f_back
    return False


def _is_debugged() -> bool:
    """Whether somebody steps through the code; counting its lines (coverage) is no stepping."""
    tracer = sys.gettrace()
    return tracer is not None and "coverage" not in type(tracer).__module__


def _in_a_thread(seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function(*arguments))
        except BaseException as error:
            errors.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        if thread.is_alive():
            _raise_in(thread)
    if not results and not errors:
        raise TimeLimitReached
    if errors:
        raise errors[0]
    return results[0]


def _raise_in(thread: threading.Thread) -> None:
    """Raise `_Alarm` in the thread when it next runs Python code; a sleep is not interrupted."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Alarm)
    )
