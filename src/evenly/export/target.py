"""Where an export goes: a file or a folder that appears only when it is whole."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evenly.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["refuse_overwriting", "written_whole"]


def refuse_overwriting(target: Path, *, force: bool) -> None:
    """Refuse a target that is there, before there is any work.

    Raises
    ------
    StoreError
        It is a file and `force` is not given; or a folder with anything in it: what else may lie there is never
        removed.
    """
    if target.is_dir():
        if any(target.iterdir()):
            raise StoreError(f"The folder {target} is there already, with files in it. Give a new or empty one.")
    elif target.exists() and not force:
        raise StoreError(f"{target} is there already. Write another file, or over this one with --force.")


@contextmanager
def written_whole(target: Path) -> Iterator[tuple[Path, Path]]:
    """Give a private folder, and a path in it that takes the target's place at the end; both lie beside the target.

    Raises
    ------
    StoreError
        Something cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            temporary = Path(folder) / target.name
            yield Path(folder), temporary
            os.chmod(temporary, (0o777 if temporary.is_dir() else 0o666) & ~_umask())  # noqa: PTH101 - as in place
            if target.is_dir():
                target.rmdir()  # it is empty
            temporary.replace(target)
    except OSError as error:
        raise StoreError(f"Cannot write {target}: {error.strerror or error}. Give another place.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
