"""Which parts are written together, and by how many threads.

Arrow works without Python's lock, so that threads write parts as fast as processes do, and need no start: only where
parts are many are they divided into groups, which processes or a cluster take.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from evenly.executor import usable_cores
from evenly.ingest.early_parts import EarlyPart, settle_part
from evenly.ingest.parts import PartItem, write_part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.executor import Executor

__all__ = ["PartGroup", "group_parts", "write_group"]

_MOST_PARTS = 64
_COPIES = 3  # of a part: as it is read, with its ids, as it is written


@dataclass(frozen=True)
class PartGroup:
    """Parts, and how many of them are written at once."""

    parts: tuple[PartItem | EarlyPart, ...]
    threads: int


def group_parts(parts: Sequence[PartItem | EarlyPart], executor: Executor, *, part_bytes: int = 0) -> list[PartGroup]:
    """Divide parts of about `part_bytes` into groups.

    Parameters
    ----------
    parts
        All parts, in order.
    executor
        Maps the groups; its memory limit bounds how many parts are written at once.
    part_bytes
        Bytes of one part; 0 where it need not be in memory.
    """
    n_at_once = executor.workers if len(parts) > _MOST_PARTS else 1
    fitting = executor.memory_limit // n_at_once // (_COPIES * part_bytes + 1)
    threads = max(1, min(usable_cores() // n_at_once, fitting))
    remaining = iter(parts)
    return [PartGroup(group, threads) for group in iter(lambda: tuple(islice(remaining, _MOST_PARTS)), ())]


def write_group(group: PartGroup, folder: Path) -> list[dict[str, int]]:
    """Write the parts of a group into `folder`; return for each what `evenly.ingest.parts.count_held` does."""
    with ThreadPoolExecutor(group.threads) as pool:
        return list(pool.map(partial(_write, folder=folder), group.parts))


def _write(part: PartItem | EarlyPart, folder: Path) -> dict[str, int]:
    return settle_part(part, folder) if isinstance(part, EarlyPart) else write_part(part, folder)
