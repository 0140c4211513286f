"""What the libraries that encode raise, as one error of evenly: they raise bare exceptions, and panics of Rust."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from evenly.errors import DataError, EvenlyError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_failure", "one_line", "refusing_failures"]

_MOST_SAID = 300  # characters of a library's own message


@contextmanager
def refusing_failures(what: str) -> Iterator[None]:
    """Raise `DataError` for what a library raises in the body, beginning with `what` went wrong.

    Raises
    ------
    DataError
        The library failed; errors of evenly pass as they are.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, EvenlyError | MemoryError) or not is_failure(error):
            raise
        raise DataError(
            f"{what}: {one_line(error)[:_MOST_SAID].rstrip('.')}. The tokenizer.json is damaged, or was not written by "
            f"the tokenizers library: save it again with AutoTokenizer.from_pretrained(...).save_pretrained(folder)."
        ) from error


def is_failure(error: BaseException) -> bool:
    """Return whether a library failed: by an exception, or by a panic of Rust, which derives from none."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def one_line(error: BaseException) -> str:
    """Return the first line of what an exception says, or its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
