"""How a function is mapped over partitions: in this process, its threads, local processes, a cluster.

All of them give the same answers; only the time differs. The function and its items travel by pickle over pipes
between processes that evenly started (`evenly.cluster`: within the user's own cluster), never from disk.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

from evenly.errors import ConfigError, WorkerDiedError
from evenly.isolation import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
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

    Attributes
    ----------
    workers
        How many partitions are worked on at once.
    memory_limit
        Bytes that all workers together should stay under while files are read; of a cluster: each of them.
    is_remote
        Whether they are on other machines.
    """

    workers: int
    memory_limit: int
    is_remote: bool

    def memory_of_each(self, n_at_once: int) -> int:
        """Return how many bytes each of `n_at_once` partitions may use."""
        ...

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in the order in which they are done."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class InProcess:
    """One after the other, here."""

    workers = 1
    is_remote = False

    def __init__(self, memory_limit: int = MEMORY_LIMIT) -> None:
        """Keep the limit for the stages to read."""
        self.memory_limit = memory_limit

    def memory_of_each(self, n_at_once: int) -> int:
        """Return an equal share of the limit."""
        return self.memory_limit // max(1, n_at_once)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in order."""
        for index, item in enumerate(items):
            yield index, function(item)

    def close(self) -> None:
        """Nothing was started."""


class LocalProcesses:
    """Spawned processes on this machine, started at the first map that has use for more than one."""

    is_remote = False

    def __init__(self, workers: int | None = None, memory_limit: int = MEMORY_LIMIT) -> None:
        """Use `workers` processes; None: as many as this process may use cores."""
        self.workers = workers or usable_cores()
        self.memory_limit = memory_limit
        self._pool: ProcessPoolExecutor | None = None

    def __reduce__(self) -> tuple[type[LocalProcesses], tuple[int, int]]:
        """Travel without the processes: each process starts its own."""
        return type(self), (self.workers, self.memory_limit)

    def memory_of_each(self, n_at_once: int) -> int:
        """Return an equal share of the limit."""
        return self.memory_limit // max(1, n_at_once)

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

    is_remote = False

    def __init__(self, workers: int, memory_limit: int = MEMORY_LIMIT) -> None:
        """Use `workers` threads."""
        self.workers = workers
        self.memory_limit = memory_limit

    def memory_of_each(self, n_at_once: int) -> int:
        """Return an equal share of the limit."""
        return self.memory_limit // max(1, n_at_once)

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
    if n_items > _FEW_ITEMS or executor.is_remote:
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
        from evenly.cluster import DaskCluster

        return DaskCluster(address, memory_limit)
    return LocalProcesses(workers, memory_limit)
