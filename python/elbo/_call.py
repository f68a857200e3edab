"""Calls into the library: errors, texts, callbacks, Ctrl-C."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import threading
import weakref
from typing import Any, Callable

from ._library import INVALID, LINE, OK, OUT_OF_MEMORY, PROGRESS, STOPPED, Callbacks, lib

log = logging.getLogger("elbo")
log.addHandler(logging.NullHandler())


class Error(Exception):
    """What the library reports; its one line says where, what was found and what is allowed."""


class InputError(Error, ValueError):
    """An argument, an option or a file is wrong."""


class OutOfMemory(Error, MemoryError):
    """There was not enough memory."""


class Stopped(Error):
    """A callback asked to stop; what had been reached is kept."""


_KINDS: dict[int, type[Error]] = {
    INVALID: InputError,
    OUT_OF_MEMORY: OutOfMemory,
    STOPPED: Stopped,
}
_process = os.getpid()


def check(status: int) -> None:
    if status != OK:
        message = (lib.elbo_last_error() or b"").decode("utf-8", "replace")
        raise _KINDS.get(status, Error)(message)


def call(function: Any, *arguments: Any) -> None:
    """Raises what went wrong. The GIL is free meanwhile."""
    if os.getpid() != _process:
        raise Error(
            "elbo was imported before this process was forked, and its threads are gone: start "
            "processes by the method \"spawn\" or \"forkserver\""
        )
    check(function(*arguments))


def text_of(function: Any, *arguments: Any) -> str:
    """What a function gives out through its last argument, a char**."""
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return take_text(out)


def take_text(out: ctypes.c_void_p) -> str:
    try:
        return ctypes.string_at(out.value or 0).decode("utf-8") if out.value else ""
    finally:
        lib.elbo_text_free(out)


def json_of(function: Any, *arguments: Any) -> Any:
    return json.loads(text_of(function, *arguments))


def options_text(options: dict[str, Any]) -> bytes:
    """Options as JSON; None means not given."""
    given = {name: value for name, value in options.items() if value is not None}
    return json.dumps(given, default=_plain).encode()


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"an option cannot be {type(value).__name__}")


class Calls:
    """Callbacks of one call. `stop` ends it at the next step."""

    def __init__(
        self,
        progress: Callable[[float, dict[str, Any] | None], None] | None = None,
        on_log: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.stop = False
        self._progress, self._on_log = progress, on_log
        # Python's collector does not find circles that lead through C's pointers: they hold no reference.
        me = weakref.proxy(self)
        self.struct = Callbacks(
            None,
            PROGRESS(lambda user, done, text: me._step(done, text)),
            LINE(lambda user, text: me._line(text)),
            LINE(lambda user, text: me._note(text)),
        )
        self.reference = ctypes.byref(self.struct)

    def _step(self, done: float, text: bytes | None) -> int:
        try:
            if self._progress is not None:
                self._progress(done, json.loads(text) if text else None)
        except BaseException:  # nothing may pass through C
            log.exception("the progress callback failed")
        return int(self.stop)

    def _line(self, text: bytes) -> None:
        try:
            log.info("%s", text.decode("utf-8", "replace"))
            if self._on_log is not None:
                self._on_log(json.loads(text))
        except BaseException:
            log.exception("the log callback failed")

    def _note(self, text: bytes) -> None:
        log.warning("%s", text.decode("utf-8", "replace"))


def interruptible(calls: Calls, work: Callable[[], None]) -> None:
    """Runs long work so that Ctrl-C in the main thread ends it at its next step: KeyboardInterrupt is
    raised when the work has come to its end. Other threads work by themselves."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    raised: list[BaseException] = []

    def body() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            done.set()

    done = threading.Event()
    worker = threading.Thread(target=body, name="elbo")
    worker.start()
    interrupted = None
    while not done.is_set():  # join() would take an interrupted thread for one that has ended
        try:
            done.wait(0.1)  # a signal that another thread has caught is seen, too
        except KeyboardInterrupt as error:
            interrupted, calls.stop = error, True
    worker.join()
    if interrupted is not None and (not raised or isinstance(raised[0], Stopped)):
        raise interrupted
    if raised:
        raise raised[0]
