"""What evenly adds to a map over a Dask cluster: checksums, marks, moving files into place, versions checked.

Partitions of a table are read, sorted by their texts and written again as parquet: by evenly's `Workspace.map` with a
`DaskCluster`, and by a bare `client.map` of the same function on the same cluster, which keeps nothing that a second
run could use. Rows are those of all partitions together.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from benchmarks.corpus import write_corpus
from benchmarks.harness import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 320_000
CONTENDERS = ("evenly", "client_map")
N_PARTITIONS, N_WORKERS = 16, 2


def prepare(folder: Path, rows: int, corpus: Path | None) -> None:
    """Cut a table into parquet files."""
    path = corpus or folder / "corpus.csv"
    if corpus is None:
        write_corpus(path, rows)
    table = pacsv.read_csv(path, parse_options=pacsv.ParseOptions(newlines_in_values=True)).slice(0, rows)
    step = -(-len(table) // N_PARTITIONS)
    for number in range(N_PARTITIONS):
        pq.write_table(table.slice(number * step, step), folder / f"in-{number:05d}.parquet")


def sort_partition(path: Path, folder: Path) -> int:
    """Write the rows in the order of their texts."""
    table = pq.read_table(path)
    pq.write_table(table.sort_by("text"), folder / path.name.replace("in", "out"), compression="zstd")
    return len(table)


def sort_bare(path: Path, *, into: Path) -> int:
    """Do the same without a workspace."""
    return sort_partition(path, into)


@contextmanager
def running_cluster() -> Iterator[str]:
    """Run workers, each a process, that have loaded what they need; give the scheduler's address."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.run(_load)
        yield cluster.scheduler_address


def _load() -> None:
    """Load what both contenders need, and the allocator's memory."""
    import evenly.cluster
    import evenly.workspace

    evenly.cluster.installed_versions()
    evenly.workspace.blake3(b"")
    pa.table({"text": ["b", "a"]}).sort_by("text")


def evenly(folder: Path) -> Timed:
    """Map within a workspace."""
    from evenly.cluster import DaskCluster
    from evenly.workspace import Workspace

    with running_cluster() as address:
        out = folder / "evenly"
        started = time.perf_counter()
        executor = DaskCluster(address)
        work = Workspace(out, stage="sort", executor=executor)
        rows = sum(work.map(sort_partition, sorted(folder.glob("in-*.parquet")), name="sort"))
        work.finish()
        seconds = time.perf_counter() - started
        executor.close()
    shutil.rmtree(out)
    return Timed(rows, seconds)


def client_map(folder: Path) -> Timed:
    """Map with Dask alone."""
    from distributed import Client

    with running_cluster() as address:
        out = folder / "bare"
        out.mkdir()
        started = time.perf_counter()
        with Client(address, set_as_default=False) as client:
            futures = client.map(partial(sort_bare, into=out), sorted(folder.glob("in-*.parquet")), pure=False)
            rows = sum(client.gather(futures))
            seconds = time.perf_counter() - started
    shutil.rmtree(out)
    return Timed(rows, seconds)
