"""A function mapped over partitions by the workers of a running Dask cluster.

In: the address of a scheduler that somebody else runs. Out: answers, whichever worker gave them. The workers are
asked what they have installed before they are given work, and each of them again with every partition, for workers
come and go: other versions of what writes the bytes would give other bytes under the same key. A worker that is lost
costs its partitions, which the scheduler gives to others; a partition that is run twice writes the same files.
"""

from __future__ import annotations

import sys
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, EvenlyError, MissingExtraError, WorkerDiedError
from evenly.executor import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["DaskCluster", "describe_other_versions", "installed_versions"]

CONNECT_TIMEOUT_S = 10
WORKER_TIMEOUT_S = 60
_NAMED = 3  # of the workers that do not fit
_SHARE_OF_MEMORY = 0.5  # of a worker's own limit: at 0.8 it stops taking work, at 0.95 it is killed
# What decides about bytes: Python (its tables of Unicode), what computes, what encodes, what writes.
_PACKAGES = ("evenly", "numpy", "pyarrow", "scipy", "scikit-learn", "tokenizers", "nanotoken", "gigatoken")


@dataclass(frozen=True)
class _Worker:
    """What a worker tells of itself: its versions, and the bytes of memory that each of its threads may use."""

    versions: dict[str, str]
    memory_bytes: int | None


class DaskCluster:
    """The workers of a running Dask cluster, which must see the store and the sources under the same paths."""

    is_remote = True

    def __init__(self, address: str, memory_limit: int = MEMORY_LIMIT) -> None:
        """Connect to the scheduler at `address`, for example ``tcp://127.0.0.1:8786``.

        Raises
        ------
        MissingExtraError
            `distributed` is not installed.
        ConfigError
            Nobody answers there, there is no worker, or a worker has other versions than this process.
        """
        self._address = address
        self._client: Any = _connect(address)
        try:
            workers = _ask_workers(self._client, address)
        except BaseException:
            self._client.close()
            raise
        limits = [worker.memory_bytes for worker in workers if worker.memory_bytes]
        self.workers = max(1, sum(self._client.nthreads().values()))
        self.memory_limit = min([memory_limit, *limits])

    def __reduce__(self) -> tuple[type[DaskCluster], tuple[str, int]]:
        """Travel as the address: each process has its own connection."""
        return type(self), (self._address, self.memory_limit)

    def memory_of_each(self, n_at_once: int) -> int:  # noqa: ARG002 - elsewhere they share one machine
        """Return what the config allows, or half of what a thread of a worker has where that is less."""
        return self.memory_limit

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield ``(index, function(items[index]))`` in the order in which they are done.

        Raises
        ------
        WorkerDiedError
            A partition took one worker after the other with it, the scheduler is gone, or a worker that joined later
            has not the versions of this process.
        """
        from distributed import KilledWorker
        from distributed import as_completed as dask_as_completed

        checked = partial(_run_checked, function, installed_versions())
        futures = {future: index for index, future in enumerate(self._client.map(checked, items, pure=False))}
        try:
            for done in dask_as_completed(futures, loop=self._client.loop).batches():
                for future, answer in zip(done, self._client.gather(done), strict=True):
                    future.release()  # else the loss of its worker would let a finished partition be run again
                    yield futures.pop(future), answer
        except KilledWorker as error:
            raise WorkerDiedError(
                f"{error.allowed_failures + 1} workers of the cluster at {self._address} died, one after the other, "
                f"while they worked on the same partition; the last one was {error.last_worker.address}. Most often "
                f"they ran out of memory: give them more, or use smaller partitions (source.partition_rows); what is "
                f"finished is kept."
            ) from error
        except CancelledError as error:
            raise WorkerDiedError(
                f"The Dask scheduler at {self._address} went away. Start it again; what is finished is kept."
            ) from error
        except ImportError as error:
            if isinstance(error, EvenlyError):
                raise
            raise WorkerDiedError(
                f"A worker of the cluster at {self._address} cannot load what it was sent: {error}. Install the same "
                f"evenly, with the same extras, on every worker; what is finished is kept."
            ) from error
        finally:
            self._client.cancel(list(futures))

    def close(self) -> None:
        """Leave the cluster as it is and disconnect."""
        self._client.close()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError.needing("executor: {kind: dask}", "distributed", "dask") from error
    try:
        return Client(address, set_as_default=False, timeout=CONNECT_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"executor.address is {address!r}, but no Dask scheduler answers there within {CONNECT_TIMEOUT_S} s. "
            f"Start one (dask scheduler), or use executor.kind: local."
        ) from error


def _ask_workers(client: Any, address: str) -> list[_Worker]:
    """Return what the workers tell; one that is lost while it is asked does not count."""
    try:
        client.wait_for_workers(1, timeout=WORKER_TIMEOUT_S)
    except TimeoutError as error:
        raise ConfigError(
            f"The Dask scheduler at {address} has no workers, and none came within {WORKER_TIMEOUT_S} s. "
            f"Start some (dask worker {address}); an adaptive cluster needs a minimum of one."
        ) from error
    answers: dict[str, Any] = client.run(_tell, on_error="return")
    found = {name: answer for name, answer in answers.items() if isinstance(answer, _Worker)}
    unable = {name: repr(answer) for name, answer in answers.items() if not isinstance(answer, _Worker | OSError)}
    if unable:
        raise ConfigError(
            f"Workers of the Dask cluster that cannot run this evenly: {_listed(unable)}. "
            f"Install it there, in the same version and with the same extras."
        )
    said = describe_other_versions({name: worker.versions for name, worker in found.items()}, installed_versions())
    if said:
        raise ConfigError(said)
    return list(found.values())


def _tell(dask_worker: Any) -> _Worker:
    """Tell of the worker that runs this: `distributed` hands it over by that name."""
    limit = dask_worker.memory_manager.memory_limit
    each = None if not limit else int(limit * _SHARE_OF_MEMORY) // max(1, dask_worker.state.nthreads)
    return _Worker(installed_versions(), each)


@lru_cache(maxsize=1)
def installed_versions() -> dict[str, str]:
    """Return the versions that decide about the bytes of artifacts; ``none`` for what is not installed."""
    return {"Python": f"{sys.version_info.major}.{sys.version_info.minor}"} | {
        name: _version(name) for name in _PACKAGES
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def describe_other_versions(of_workers: Mapping[str, Mapping[str, str]], wanted: Mapping[str, str]) -> str:
    """Say which workers have other versions than this process; an empty text: none has.

    Parameters
    ----------
    of_workers
        The versions of each worker, by its address.
    wanted
        Those of this process.
    """
    differing = {
        worker: [name for name in wanted if found.get(name) != wanted[name]] for worker, found in of_workers.items()
    }
    other = {
        worker: ", ".join(f"{name} {of_workers[worker].get(name, 'none')}" for name in names)
        for worker, names in differing.items()
        if names
    }
    if not other:
        return ""
    here = ", ".join(f"{name} {wanted[name]}" for name in wanted if any(name in names for names in differing.values()))
    return (
        f"Workers of the Dask cluster have other versions than this process ({here}): {_listed(other)}. "
        f"Other versions may write other bytes: install the same on all of them."
    )


def _listed(workers: Mapping[str, str]) -> str:
    shown = [f"{name} ({said})" for name, said in sorted(workers.items())[:_NAMED]]
    more = len(workers) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _run_checked(function: Callable[[Any], Any], wanted: dict[str, str], item: Any) -> Any:
    """Call the function, on a worker, once its versions are known to be those of the process that asks."""
    if installed_versions() != wanted:
        from distributed import get_worker

        said = describe_other_versions({get_worker().address: installed_versions()}, wanted)
        raise WorkerDiedError(f"{said} What is finished is kept.")
    return function(item)
