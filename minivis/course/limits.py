"""An end for functions that have none."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TookTooLong(BaseException):
    """Raised in the middle of a function that ran out of time; no ``except Exception`` keeps it from being seen."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in what runs inside, once `seconds` have passed.

    Between two steps of Python, that is: one long call into NumPy ends by itself first. CPython only.
    """
    thread = ctypes.c_ulong(threading.get_ident())
    lock, done = threading.Lock(), False

    def interrupt() -> None:
        with lock:
            if not done:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TookTooLong))

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:  # once this is passed, no interrupt can come any more
            done = True
        timer.cancel()
