"""A split, expanded and shuffled: table, split and plan in, one file out.

The rows pass through memory a part at a time: first each part is dealt out to buckets by where its rows will stand,
then each bucket is put in order and written.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ConfigError, StoreError, nearest
from evenly.export.files import EXPORT_FORMATS, LABEL_DELIMITER, open_writer
from evenly.export.order import Order
from evenly.export.rows import Source
from evenly.formats import SPLITS, read_label_names, read_split
from evenly.progress import Advanced, Finished, Started, emit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["check_target", "export_split"]

STAGE = "export"


def export_split(
    table: Path,
    split: Path,
    plan: Path,
    target: Path,
    *,
    name: str = "train",
    seed: int = 0,
    force: bool = False,
) -> int:
    """Write the rows of a split; those of train as often as the plan says, with its synthetic rows among them.

    Parameters
    ----------
    table, split, plan
        Artifacts of one run.
    target
        Ends in .parquet, .jsonl or .csv; appears only when it is whole.
    name
        ``train``, ``validation`` or ``test``; the latter two have every row once.
    seed
        Of the order.
    force
        Write over a file that is there.

    Returns
    -------
    int
        How many rows were written. Columns: `row` (in the table; synthetic rows have numbers behind it), the text
        columns, `labels` (names: a list, joined by | in CSV), `synthetic`, and of synthetic rows `seed_row` and
        `reference_row`, their parents.

    Raises
    ------
    ConfigError
        The split or the format is unknown.
    StoreError
        The file is there already, or cannot be written.
    """
    if name not in SPLITS:
        raise ConfigError(f"There is no split {name!r}{nearest(name, SPLITS)} Splits: {', '.join(SPLITS)}.")
    check_target(target, force=force)
    _refuse_ambiguous(target, read_label_names(table))
    emit(Started(STAGE))
    started = time.perf_counter()
    source = Source(table, plan if name == "train" else None)
    order = Order.draw(_count_copies(split, source, name), seed)
    with _written_whole(target) as (scratch, temporary):
        _deal_out(source, order, scratch)
        _write_buckets(source, order, scratch, temporary)
    n_rows, seconds = len(order.place), time.perf_counter() - started
    emit(Finished(stage=STAGE, path=str(target), reused=False, why="", rows=n_rows, seconds=seconds, notes=()))
    return n_rows


def check_target(target: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written, before there is any work.

    Raises
    ------
    ConfigError
        Its name does not end in a format that is known.
    StoreError
        It is there already, and `force` is not given.
    """
    if target.suffix.lower() not in EXPORT_FORMATS:
        raise ConfigError(f"{target.name} does not say its format: end it in one of {', '.join(EXPORT_FORMATS)}.")
    if target.exists() and not force:
        raise StoreError(f"{target} is there already. Write another file with -o, or over this one with --force.")


def _refuse_ambiguous(target: Path, names: Sequence[str]) -> None:
    """Refuse CSV where a label has the character that joins labels."""
    odd = [name for name in names if LABEL_DELIMITER in name]
    if odd and target.suffix.lower() == ".csv":
        raise ConfigError(
            f"The label {odd[0]!r} has a {LABEL_DELIMITER}, which joins labels in CSV. "
            f"Export to .jsonl or .parquet, which have lists."
        )


def _count_copies(split: Path, source: Source, name: str) -> NDArray[np.int32]:
    """Return how often each row is to be written, table rows first, then the synthetic ones."""
    code = read_split(split).code
    copies: NDArray[np.int32] = (code == SPLITS.index(name)).astype(np.int32)
    if source.plan is None:
        return copies
    planned = pq.read_table(source.plan / "plan.parquet", columns=["row", "copies"])
    copies[planned["row"].to_numpy()] = planned["copies"].to_numpy()
    n_synthetic = pq.read_metadata(source.plan / "synthetic.parquet").num_rows
    return np.concatenate([copies, np.ones(n_synthetic, np.int32)])


@contextmanager
def _written_whole(target: Path) -> Iterator[tuple[Path, Path]]:
    """Give a private folder and a file in it that takes the target's place at the end, beside which it lies."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            temporary = Path(folder) / target.name
            yield Path(folder), temporary
            os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101 - what a file that was written in place would have
            temporary.replace(target)
    except OSError as error:
        raise StoreError(f"Cannot write {target}: {error.strerror or error}. Give another place with -o.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _deal_out(source: Source, order: Order, folder: Path) -> None:
    """Append every entry to the file of its bucket, with its place beside it."""
    n_rows = 0
    with ExitStack() as stack:
        writers: dict[int, Any] = {}
        for batch in source.batches():
            index, place = order.expand(n_rows, n_rows + len(batch))
            n_rows += len(batch)
            by_place = np.argsort(place, kind="stable")
            index, place = index[by_place], place[by_place]
            bounds = np.searchsorted(place, np.arange(order.n_buckets + 1) * order.bucket_rows)
            for bucket in np.flatnonzero(np.diff(bounds)).tolist():
                here = slice(bounds[bucket], bounds[bucket + 1])
                rows = batch.take(pa.array(index[here])).append_column("place", pa.array(place[here]))
                if bucket not in writers:
                    sink = stack.enter_context(pa.OSFile(str(folder / f"bucket-{bucket}.arrow"), "wb"))
                    writers[bucket] = stack.enter_context(pa.ipc.new_stream(sink, rows.schema))
                writers[bucket].write_table(rows)


def _write_buckets(source: Source, order: Order, folder: Path, target: Path) -> None:
    """Put every bucket in order and write one after the other."""
    with open_writer(target, source.schema) as writer:
        for bucket in range(order.n_buckets):
            path = folder / f"bucket-{bucket}.arrow"
            with pa.memory_map(str(path)) as stream:
                rows = pa.ipc.open_stream(stream).read_all()
                by_place = np.argsort(rows["place"].to_numpy())
                writer.write(rows.drop_columns("place").take(pa.array(by_place)))
            path.unlink()
            emit(Advanced(STAGE, bucket + 1, order.n_buckets, "buckets"))
