"""What kind of classification the labels ask for.

In: the names, and how many rows hold one label, none, or several. Out: ``binary`` (every row exactly one of two),
``multiclass`` (exactly one of more), ``multilabel`` (anything else).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from evenly.errors import DataError
from evenly.formats import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["find_task"]

_SHOWN = 5


def find_task(asked: str, names: Sequence[str], *, n_rows: int, n_single: int, n_used: int, where: str) -> Task:
    """Return the task.

    Parameters
    ----------
    asked
        ``auto`` or what the config names.
    names
        All labels.
    n_rows, n_single
        Rows, and rows with exactly one label.
    n_used
        Labels that at least one row holds.
    where
        The label columns, for the message.

    Raises
    ------
    DataError
        There is nothing to tell apart, or the labels are not what the config names.
    """
    one_each = n_single == n_rows
    if n_used == 0 or (one_each and n_used < 2):  # noqa: PLR2004 - one class is nothing to tell apart
        held = f"only {names[0]!r}" if n_used else "no label at all"
        raise DataError(
            f"Nothing to learn: the {n_rows} rows hold {held} in {where}. At least two labels are needed; "
            f"check labels.columns and labels.format."
        )
    found: Task = "multilabel" if not one_each else "binary" if len(names) == 2 else "multiclass"  # noqa: PLR2004
    if asked in {"auto", found}:
        return found
    if asked == "multilabel":
        return "multilabel"
    if asked == "multiclass" and found == "binary":
        return "multiclass"
    raise DataError(_contradiction(asked, found, names, n_rows - n_single))


def _contradiction(asked: str, found: Task, names: Sequence[str], n_other: int) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")
    why = f"{n_other} rows hold none or several" if found == "multilabel" else f"there are {len(names)} labels"
    known = ", ".join(get_args(Task))
    return (
        f"labels.task is {asked!r}, but {why} ({shown}), which is {found}. "
        f"Set labels.task to {found} or auto (known: {known}), or check labels.format and labels.delimiter."
    )
