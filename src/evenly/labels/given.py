"""Splits that the table names itself: read, completed where one is missing, and kept.

Comes in: a table with a column `given_split`. Goes out: a split for every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.errors import DataError
from evenly.formats import SPLITS, list_parts
from evenly.labels.iterative import split_units
from evenly.labels.units import gather_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["complete_given", "read_given"]


def read_given(table: Path) -> NDArray[np.int8] | None:
    """Return the splits that the table names itself, shape (n_rows,), int8, or None.

    Raises
    ------
    DataError
        A row names none, or another than train, validation and test.
    """
    parts = list_parts(table)
    if "given_split" not in pq.read_schema(parts[0]).names:
        return None
    column = pa.chunked_array(
        [chunk for part in parts for chunk in pq.read_table(part, columns=["given_split"])["given_split"].chunks],
        pa.string(),
    )
    code: NDArray[np.int8]
    code = pc.fill_null(pc.index_in(column, pa.array(SPLITS)), -1).to_numpy().astype(np.int8)
    unknown = np.flatnonzero(code < 0)
    if len(unknown):
        raise DataError(
            f"The split column names {column[int(unknown[0])].as_py()!r} in row {unknown[0]} "
            f"({len(unknown)} such rows of {len(code)}), expected one of {', '.join(SPLITS)} in every row. "
            f"Mend the column, or leave source.split out and let evenly split."
        )
    return code


def complete_given(
    given: NDArray[np.int8],
    labels: sparse.csr_matrix,
    unit: NDArray[np.int64],
    *,
    shares: Sequence[float],
    order: int,
    seed: int,
) -> tuple[NDArray[np.int8], str]:
    """Return the given splits, what they lack (often validation) taken from train, and how that was done.

    Parameters
    ----------
    given, unit
        Shape (n_rows,): the split that the table names, and the unit, of each row.
    labels
        CSR, shape (n_rows, n_labels).
    shares, order, seed
        As for `split_units`; the shares of train and of what is lacking divide the given train rows.

    Raises
    ------
    DataError
        No row is of train.
    """
    if not (given == 0).any():
        raise DataError(
            f"The split column names no train row among {len(given)} rows. Mend the column, or leave "
            f"source.split out and let evenly split."
        )
    absent = [split for split in range(len(SPLITS)) if not (given == split).any()]
    if not absent:
        return given, "as given"
    wanted = [0, *absent]
    parts = np.array([shares[split] for split in wanted])
    train = np.flatnonzero(given == 0)
    units = gather_units(labels[train], unit[train])
    chosen = split_units(labels[train], units, (parts / parts.sum()).tolist(), order, seed)[units.of_row]
    code = given.copy()
    code[train] = np.array(wanted, np.int8)[chosen]
    return code, f"as given, {' and '.join(SPLITS[split] for split in absent)} taken from train"
