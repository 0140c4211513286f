"""How a function is mapped over partitions: in this process, its threads, local processes, over a Dask cluster.

All of them give the same answers; only the time differs. The function and its items travel by pickle over pipes
between processes that evenly started (Dask: over the user's own cluster), never from disk.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

from evenly.errors import ConfigError, MissingExtraError, WorkerDiedError
from evenly.isolation import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "DaskCluster",
    "Executor",
    "InProcess",
    "LocalProcesses",
    "Threads",
    "in_threads",
    "make_executor",
    "usable_cores",
]

MEMORY_LIMIT = 2**30
_FEW_ITEMS = 64  # beyond, processes are worth their start, which is seconds
_COPIES = 3  # of an item: as it is read, as it is changed, as it is written


class Executor(Protocol):
    """Maps a top-level function over partitions.

    `memory_limit` is what all workers together should stay under while files are read, in bytes.
    """

    workers: int
    memory_limit: int

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in the order in which they are done."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class InProcess:
    """One after the other, here."""

    workers = 1

    def __init__(self, memory_limit: int = MEMORY_LIMIT) -> None:
        """Keep the limit for the stages to read."""
        self.memory_limit = memory_limit

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in order."""
        for index, item in enumerate(items):
            yield index, function(item)

    def close(self) -> None:
        """Nothing was started."""


class LocalProcesses:
    """Spawned processes on this machine, started at the first map that has use for more than one."""

    def __init__(self, workers: int | None = None, memory_limit: int = MEMORY_LIMIT) -> None:
        """Use `workers` processes; None: as many as this process may use cores."""
        self.workers = workers or usable_cores()
        self.memory_limit = memory_limit
        self._pool: ProcessPoolExecutor | None = None


    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in the order in which they are done."""
        if self.workers == 1 or len(items) < 2:  # noqa: PLR2004 - one item needs no second process
            yield from InProcess().map(function, items)
            return
        futures = {self._start().submit(function, item): index for index, item in enumerate(items)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            self._pool = None
            raise WorkerDiedError(
                "A worker process died: most often the machine ran out of memory. Use fewer workers "
                "(executor.workers) or smaller partitions (source.partition_rows); what is finished is kept."
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"), initializer=die_with_parent)
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class Threads:
    """Threads of this process, for functions that spend their time in code that lets go of Python's lock."""

    def __init__(self, workers: int, memory_limit: int = MEMORY_LIMIT) -> None:
        """Use `workers` threads."""
        self.workers = workers
        self.memory_limit = memory_limit

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in the order in which they are done."""
        with ThreadPoolExecutor(self.workers) as pool:
            futures = {pool.submit(function, item): index for index, item in enumerate(items)}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                for future in futures:
                    future.cancel()

    def close(self) -> None:
        """Nothing was started."""


class DaskCluster:
    """The workers of a running Dask cluster, which must see the store and the sources under the same paths."""

    def __init__(self, address: str, memory_limit: int = MEMORY_LIMIT) -> None:
        """Connect to the scheduler at `address`, for example ``tcp://127.0.0.1:8786``."""
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingExtraError.needing("executor: {kind: dask}", "distributed", "dask") from error
        try:
            self._client: Any = Client(address, set_as_default=False, timeout=10)
        except OSError as error:
            raise ConfigError(
                f"executor.address is {address!r}, but no Dask scheduler answers there within 10 s. "
                f"Start one (dask scheduler), or use executor.kind: local."
            ) from error
        self.workers = max(1, sum(self._client.nthreads().values()))
        self.memory_limit = memory_limit

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in the order in which they are done."""
        from distributed import as_completed as dask_as_completed

        futures = {future: index for index, future in enumerate(self._client.map(function, items, pure=False))}
        try:
            for future in dask_as_completed(futures, loop=self._client.loop):
                yield futures[future], future.result()
        finally:
            self._client.cancel(list(futures))

    def close(self) -> None:
        """Leave the cluster as it is and disconnect."""
        self._client.close()


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(executor: Executor, n_items: int, item_bytes: int = 0) -> Executor:
    """Return what maps a function that lets go of Python's lock: threads of this process, for so few items.

    Parameters
    ----------
    executor
        Maps them otherwise: many items, a cluster.
    n_items
        How many there are.
    item_bytes
        Memory that one needs; 0 where it is little.
    """
    if n_items > _FEW_ITEMS or isinstance(executor, DaskCluster):
        return executor
    fitting = executor.memory_limit // (_COPIES * item_bytes + 1)
    return Threads(max(1, min(executor.workers, fitting)), executor.memory_limit)


def make_executor(
    kind: str = "local",
    *,
    workers: int | None = None,
    address: str | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Executor:
    """Return the executor that the config names: ``local`` (with `workers`) or ``dask`` (at `address`)."""
    if kind == "dask":
        if address is None:
            raise ConfigError("executor.kind is 'dask', which needs executor.address, such as tcp://host:8786.")
        return DaskCluster(address, memory_limit)
    return LocalProcesses(workers, memory_limit)
