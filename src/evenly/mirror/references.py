"""What stands for a path when a partition travels to a worker that has not the folders of this machine."""

from __future__ import annotations

import json
import re
from dataclasses import astuple, dataclass

__all__ = ["Blob", "Reference", "dump_inventory", "load_inventory", "select"]

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Blob:
    """An object behind the URL, its size in bytes and its BLAKE3 digest (hex)."""

    name: str
    size: int
    blake3: str


@dataclass(frozen=True)
class Reference:
    """A path.

    Attributes
    ----------
    place
        Where it lies in the worker's view, POSIX.
    is_text
        Whether it is a string rather than a `Path`.
    blob
        The file that it names, where it needs no other.
    inventory
        Lists the files of the folder that it names or lies in: `load_inventory`.
    folder, only
        Where the folder of the inventory lies in the view, and which of its files are needed: see `select`.
    """

    place: str
    is_text: bool
    blob: Blob | None = None
    inventory: Blob | None = None
    folder: str = ""
    only: str = ""


def select(names: list[str], only: str) -> list[str]:
    """Return the names that are needed of a folder.

    All of them (`only` is empty), those of a folder in it (it ends with a slash), or a file and what lies beside it,
    but for files that differ from it only by numbers: of ``part-00003.parquet`` the labels of the table are needed,
    and not ``part-00004.parquet``, which is another partition's.
    """
    if not only or only.endswith("/"):
        return [name for name in names if name.startswith(only)]
    kind = _NUMBER.sub("#", only)
    return [name for name in names if name == only or _NUMBER.sub("#", name) != kind]


def dump_inventory(files: dict[str, Blob]) -> bytes:
    """Return an inventory as JSON: name in the folder to object, size and digest."""
    return json.dumps({name: astuple(blob) for name, blob in sorted(files.items())}).encode()


def load_inventory(text: bytes) -> dict[str, Blob]:
    """Return what `dump_inventory` was given."""
    return {name: Blob(*blob) for name, blob in json.loads(text).items()}
