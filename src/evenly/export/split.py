"""The texts of a split, expanded and shuffled: table, split and plan in, one file out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from evenly.errors import ConfigError, nearest
from evenly.export.files import EXPORT_FORMATS, LABEL_DELIMITER, open_writer
from evenly.export.order import Order
from evenly.export.rows import Source
from evenly.export.shuffle import shuffle_rows
from evenly.export.target import refuse_overwriting, written_whole
from evenly.formats import SPLITS, read_label_names, read_split
from evenly.progress import Advanced, Finished, Started, emit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
    with written_whole(target) as (scratch, temporary), open_writer(temporary, source.schema) as writer:
        for done, rows in enumerate(shuffle_rows(source.batches(), order, scratch), start=1):
            writer.write(rows)
            emit(Advanced(STAGE, done, order.n_buckets, "buckets"))
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
    refuse_overwriting(target, force=force)


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
