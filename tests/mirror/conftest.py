"""A store behind a URL, in memory, and machines that share nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from evenly.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

URL = "memory://bucket/team"


@pytest.fixture
def there() -> Iterator[Any]:
    """Return the file system in memory; what is in it is gone after the test."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def machine(there: Any, tmp_path: Path) -> Callable[[str], Store]:
    """Return the store as the machine of a name has it: with a cache of its own."""
    return lambda name: Store(URL, tmp_path / name)
