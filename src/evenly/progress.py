"""How work tells whoever waits for it: events, and the observer that hears them.

A stage calls `advance`; the command line draws a bar, a Prefect run writes a log line, a test collects a list.
The observer is a context variable, so that no stage has to pass it on.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Advanced", "Event", "Finished", "Started", "Waiting", "emit", "joining", "observing", "translating"]


@dataclass(frozen=True)
class Started:
    """A stage begins to build."""

    stage: str


@dataclass(frozen=True)
class Waiting:
    """Another process builds the same artifact; this one waits for it."""

    stage: str


@dataclass(frozen=True)
class Advanced:
    """A stage has come some way: `done` of `total` units, 0 <= done <= total."""

    stage: str
    done: int
    total: int
    unit: str
    detail: str = ""


@dataclass(frozen=True)
class Finished:
    """A stage has its artifact.

    `reused` tells whether it was there already; `why` says, for a rebuilt one, what was wrong with the old.
    """

    stage: str
    path: str
    reused: bool
    why: str
    rows: int | None
    seconds: float
    notes: tuple[str, ...]


Event = Started | Waiting | Advanced | Finished

_observer: ContextVar[Callable[[Event], None] | None] = ContextVar("evenly_observer", default=None)


@contextmanager
def observing(observer: Callable[[Event], None]) -> Iterator[None]:
    """Let `observer` hear every event of the body."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


@contextmanager
def joining(observer: Callable[[Event], None]) -> Iterator[None]:
    """Let `observer` hear every event of the body, after whoever hears them already."""
    outer = _observer.get()

    def tell_both(event: Event) -> None:
        if outer is not None:
            outer(event)
        observer(event)

    with observing(tell_both):
        yield


@contextmanager
def translating(change: Callable[[Event], Event | None]) -> Iterator[None]:
    """Let whoever hears the events of the body hear what `change` makes of them; None: nothing."""
    outer = _observer.get()

    def tell(event: Event) -> None:
        changed = change(event)
        if outer is not None and changed is not None:
            outer(changed)

    with observing(tell):
        yield


def emit(event: Event) -> None:
    """Tell the observer, if there is one."""
    observer = _observer.get()
    if observer is not None:
        observer(event)
