"""Which errors a second try may mend: those of disk and network, never bad data or a bad config."""

from __future__ import annotations

import errno
from typing import Any

from evenly.errors import EvenlyError, SourceChangedError, SourceUnreachableError, StoreError, StoreUnreachableError

__all__ = ["RETRY_DELAYS_S", "is_transient", "is_worth_a_retry"]

RETRY_DELAYS_S = (2, 10, 60)
_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "EAGAIN", "EBUSY", "EINTR", "ESTALE", "ETIMEDOUT", "ECONNRESET", "ECONNREFUSED", "ECONNABORTED"),
        *("EPIPE", "ENETDOWN", "ENETUNREACH", "ENETRESET", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO", "ENOBUFS"),
    )
    if hasattr(errno, name)
)


def is_transient(error: object) -> bool:
    """Return whether the same work may succeed a little later: a server or a disk did not answer as it should.

    A missing file, a full disk or a forbidden folder stay so; bad data and a bad config, too.
    """
    if isinstance(error, StoreUnreachableError):
        return True
    if isinstance(error, StoreError):
        return is_transient(error.__cause__)
    if isinstance(error, EvenlyError):
        return isinstance(error, SourceChangedError | SourceUnreachableError)
    return isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno in _PASSING)


def is_worth_a_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Answer Prefect's question whether a failed task shall be tried again."""
    return is_transient(state.result(raise_on_failure=False))
