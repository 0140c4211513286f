"""What can go wrong, in the words of the person who can mend it.

Every message says what was given, what was expected and what to do next. The command line prints it as one
paragraph and ends with exit code 2; anything that is not an `EvenlyError` is a defect of evenly.

::

    EvenlyError
    ├── ConfigError (ValueError)              a setting is unknown, of the wrong type or out of range
    ├── DataError (ValueError)                the table cannot be used as it is
    │   ├── ColumnNotFoundError               a column that the config names is not there
    │   └── LabelShapeError                   the labels have a shape that evenly does not read
    ├── SourceNotFoundError (FileNotFoundError)   a file, folder or tokenizer is not there
    ├── SourceUnreachableError (OSError)      a server does not answer now; a later try may help
    ├── SourceChangedError (OSError)          a source file changed while it was read
    ├── MissingExtraError (ImportError)       an optional dependency is not installed
    ├── StoreError (OSError)                  the store cannot be read or written
    │   └── StoreUnreachableError             a store that is a URL does not answer now; a later try may help
    ├── RunFailedError (RuntimeError)         a Prefect run or server that was asked to work did not
    ├── WorkerDiedError (RuntimeError)        a process that evenly started ended without an answer
    └── TookTooLongError (TimeoutError)       work was stopped because it took longer than it may
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ColumnNotFoundError",
    "ConfigError",
    "DataError",
    "EvenlyError",
    "LabelShapeError",
    "MissingExtraError",
    "RunFailedError",
    "SourceChangedError",
    "SourceNotFoundError",
    "SourceUnreachableError",
    "StoreError",
    "StoreUnreachableError",
    "TookTooLongError",
    "WorkerDiedError",
    "nearest",
]


class EvenlyError(Exception):
    """Base of every error that evenly raises on purpose."""


class ConfigError(EvenlyError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class DataError(EvenlyError, ValueError):
    """The table cannot be used as it is."""


class ColumnNotFoundError(DataError):
    """A column that was asked for is not in the table."""

    def __init__(self, column: str, available: Iterable[str], source: str) -> None:
        """Name the column, the columns there are, and the nearest of them.

        Parameters
        ----------
        column
            The name that was asked for.
        available
            The names that the table has.
        source
            The file or table, as the person knows it.
        """
        names = list(available)
        super().__init__(
            f"{source} has no column {column!r}{nearest(column, names)} It has: {', '.join(map(repr, names))}."
        )
        self.column = column
        self.available = names
        self.source = source

    def __reduce__(self) -> tuple[type[ColumnNotFoundError], tuple[str, list[str], str]]:
        """Rebuild from the parts, so that the error crosses process borders."""
        return type(self), (self.column, self.available, self.source)


class LabelShapeError(DataError):
    """The labels have a shape that evenly does not read."""


class SourceNotFoundError(EvenlyError, FileNotFoundError):
    """A file, folder or tokenizer that was named is not there."""


class SourceUnreachableError(EvenlyError, OSError):
    """A server that was named does not answer as it should; a later try may help."""


class SourceChangedError(EvenlyError, OSError):
    """A source file changed while it was read; a later try may find it at rest."""


class MissingExtraError(EvenlyError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def needing(cls, package: str, library: str, extra: str) -> MissingExtraError:
        """Say what needs which library, and the line that installs it."""
        return cls(f"{package} needs {library}: pip install 'evenly[{extra}]'")


class StoreError(EvenlyError, OSError):
    """The store cannot be read or written."""


class StoreUnreachableError(StoreError):
    """A store that is a URL does not answer as it should; a later try may help."""


class RunFailedError(EvenlyError, RuntimeError):
    """A Prefect run that was started elsewhere did not complete, or its server does not answer."""


class WorkerDiedError(EvenlyError, RuntimeError):
    """A process that evenly started ended without an answer."""


class TookTooLongError(EvenlyError, TimeoutError):
    """Work was stopped because it took longer than it may."""


def nearest(given: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name most like the given one, or a full stop."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given.lower(), lowered, n=1)
    return f"; did you mean {lowered[close[0]]!r}?" if close else "."
