"""One function in one spawned process: its memory, the GPU's too, is free when it ends, and it can be killed.

Spawned, never forked: TensorFlow hangs after a fork. The child ends by itself when its parent dies, however the
parent died. Events of the child (`evenly.progress`) are heard by the parent's observer.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from evenly.errors import EvenlyError, TookTooLongError, WorkerDiedError
from evenly.progress import emit, observing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["die_with_parent", "run_isolated", "run_within"]

P = ParamSpec("P")
R = TypeVar("R")


def run_isolated(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `function` in a spawned process and return what it returns.

    Raises
    ------
    EvenlyError, OSError
        The one that the function raised.
    WorkerDiedError
        The process ended without an answer, or the function raised anything else (its traceback is in the text).
    """
    return run_within(None, function, *args, **kwargs)


def run_within(timeout_s: float | None, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `function` as `run_isolated` does, and kill its process after `timeout_s` seconds (None: never).

    Raises
    ------
    TookTooLongError
        It had not ended by then.
    EvenlyError, OSError
        As `run_isolated`.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, args, kwargs), daemon=False)
    process.start()
    sender.close()
    try:
        answer: R = _await_answer(receiver, process, deadline)
        return answer
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        receiver.close()


def _await_answer(receiver: multiprocessing.connection.Connection, process: Any, deadline: float | None) -> Any:
    while True:
        if deadline is not None and not receiver.poll(max(0.0, deadline - time.monotonic())):
            raise TookTooLongError("It was stopped: it had not ended within the time that it may take.")
        try:
            kind, value = receiver.recv()
        except EOFError:
            process.join()
            raise WorkerDiedError(_how_it_died(process.exitcode)) from None
        if kind == "event":
            emit(value)
        elif kind == "error":
            raise value
        else:
            return value


def _how_it_died(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return (
            "The process was killed (signal 9): most often the machine ran out of memory. Use less of it: "
            "a smaller batch, model or partition."
        )
    if exit_code < 0:
        return f"The process was ended by signal {-exit_code} ({signal.Signals(-exit_code).name})."
    return f"The process ended with exit code {exit_code} before it gave an answer."


def _answer(sender: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    die_with_parent()
    try:
        with observing(lambda event: sender.send(("event", event))):
            result = function(*args, **kwargs)
        sender.send(("result", result))
    except EvenlyError as error:
        sender.send(("error", error))
    except OSError as error:  # by its number, for classes of libraries may not survive the way
        plain = OSError(error.errno, error.strerror, error.filename) if error.errno else _failure()
        sender.send(("error", plain))
    except Exception:  # noqa: BLE001 - whatever it is, the parent shall see it
        sender.send(("error", _failure()))
    finally:
        sender.close()


def _failure() -> WorkerDiedError:
    return WorkerDiedError(f"The process failed:\n{traceback.format_exc()}")


def die_with_parent() -> None:
    """End this process as soon as the process that started it is gone, so that no orphan goes on writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for_death, args=(parent.sentinel,), daemon=True).start()


def _wait_for_death(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
