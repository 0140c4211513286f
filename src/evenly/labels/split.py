"""Stage ``split``: table -> train, validation and test rows, no text and no group in two of them.

Comes in: a table. Goes out: ``split.parquet`` (row, split, unit), ``labels.parquet`` (where each label fell,
and which guarantee could not be kept), ``quality.json``. Where the table names the splits itself they are
kept and checked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.errors import DataError
from evenly.formats import SPLITS, list_parts, read_checks, read_facts, read_label_names, read_labels, write_json
from evenly.imbalance import label_counts
from evenly.labels.guarantees import unmet_guarantees
from evenly.labels.iterative import gather_units, split_units
from evenly.labels.quality import SplitQuality, split_quality
from evenly.labels.units import join_relations

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.workspace import Workspace

__all__ = ["split_table"]

_MOST_LISTED = 1_000  # leaked rows and labels that quality.json lists by name


@dataclass(frozen=True)
class _Split:
    code: NDArray[np.int8]
    unit: NDArray[np.int64]
    quality: SplitQuality
    unmet: dict[int, str]
    leaked: NDArray[np.int64]
    n_duplicates: int
    how: str


def split_table(
    work: Workspace,
    *,
    table: Path,
    checks: Path,
    train: float,
    validation: float,
    test: float,
    order: int,
    by: str | None,
    folds: int | None,
    fold: int,
    seed: int,
) -> None:
    """Give every row of a table a split.

    Parameters
    ----------
    work
        Where to write, and the workers.
    table, checks
        The folders of a table and of what was found out about its texts.
    train, validation, test
        Shares of the rows, summing to 1.
    order
        1: stratify labels; 2: pairs of labels too.
    by
        A column of times, or None.
    folds, fold
        How many folds instead of shares, and which one is test; None: no folds.
    seed
        Of the generator that breaks ties.

    Raises
    ------
    DataError
        The table names splits of its own, but not for every row, others than train, validation and test, or
        none of train.
    """
    labels, shares = read_labels(table), (train, validation, test)
    found = read_checks(checks)
    unit = join_relations(found.near_text, found.same_group)
    given = _read_given(table)
    if given is None:
        units = gather_units(labels, unit)
        code = split_units(units, shares, seed)[units.of_row]
        how = "iterative" if read_facts(table)["task"] == "multilabel" else "stratified"
    else:
        code, how = _complete(given, labels, unit, shares, seed)
    split = _Split(
        code=code,
        unit=unit,
        quality=split_quality(labels, code, shares),
        unmet=_find_unmet(labels, unit, code, given=given is not None),
        leaked=_leaked_rows(code, unit),
        n_duplicates=int((found.same_text != np.arange(len(unit))).sum()),
        how=how,
    )
    _write(work.out, split, labels, read_label_names(table))
    _report(work, split)


def _read_given(table: Path) -> NDArray[np.int8] | None:
    """Return the splits that the table names itself, shape (n_rows,), int8, or None."""
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
    if not (code == 0).any():
        raise DataError(
            f"The split column names no train row among {len(code)} rows. Mend the column, or leave "
            f"source.split out and let evenly split."
        )
    return code


def _complete(
    given: NDArray[np.int8],
    labels: sparse.csr_matrix,
    unit: NDArray[np.int64],
    shares: tuple[float, float, float],
    seed: int,
) -> tuple[NDArray[np.int8], str]:
    """Return the given splits, what they lack (often validation) taken from train, and how that was done."""
    absent = [split for split in range(len(SPLITS)) if not (given == split).any()]
    if not absent:
        return given, "as given"
    wanted = [0, *absent]
    parts = np.array([shares[split] for split in wanted])
    train = np.flatnonzero(given == 0)
    units = gather_units(labels[train], unit[train])
    code = given.copy()
    chosen = split_units(units, (parts / parts.sum()).tolist(), seed)[units.of_row]
    code[train] = np.array(wanted, np.int8)[chosen]
    return code, f"as given, {' and '.join(SPLITS[split] for split in absent)} taken from train"


def _find_unmet(
    labels: sparse.csr_matrix, unit: NDArray[np.int64], code: NDArray[np.int8], *, given: bool
) -> dict[int, str]:
    if given:  # units may lie in two splits: look at rows
        return unmet_guarantees(labels, code, len(SPLITS), given=True)
    units = gather_units(labels, unit)
    of_unit = np.empty(len(units.sizes), np.int8)
    of_unit[units.of_row] = code
    return unmet_guarantees(units.labels, of_unit, len(SPLITS))


def _leaked_rows(code: NDArray[np.int8], unit: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows whose unit lies in more than one split, ascending."""
    in_split = np.zeros((len(code), len(SPLITS)), np.bool_)
    in_split[unit, code] = True
    return np.flatnonzero(in_split.sum(axis=1)[unit] > 1)


def _write(out: Path, split: _Split, labels: sparse.csr_matrix, names: list[str]) -> None:
    rows = {
        "row": pa.array(np.arange(len(split.code), dtype=np.int64)),
        "split": pa.DictionaryArray.from_arrays(pa.array(split.code), pa.array(SPLITS)).cast(pa.string()),
        "unit": pa.array(split.unit),
    }
    pq.write_table(pa.table(rows), out / "split.parquet", compression="zstd")
    per_split = {name: label_counts(labels[split.code == code]) for code, name in enumerate(SPLITS)}
    per_label = {
        "id": pa.array(np.arange(len(names), dtype=np.int32)),
        "name": pa.array(names, pa.string()),
        "count": pa.array(label_counts(labels)),
        **{name: pa.array(counts) for name, counts in per_split.items()},
        "guarantee": pa.array([split.unmet.get(label, "") for label in range(len(names))], pa.string()),
    }
    pq.write_table(pa.table(per_label), out / "labels.parquet", compression="zstd")
    write_json(out / "quality.json", _describe(split, names))


def _describe(split: _Split, names: list[str]) -> dict[str, Any]:
    quality = asdict(split.quality)
    listed = list(split.unmet.items())[:_MOST_LISTED]
    return {
        **quality,
        "shares": dict(zip(SPLITS, quality["shares"], strict=True)),
        "how": split.how,
        "n_rows": len(split.code),
        "n_units": len(np.unique(split.unit)),
        "n_duplicate_rows": split.n_duplicates,
        "n_guarantees_unmet": len(split.unmet),
        "guarantees_unmet": [{"label": names[label], "why": why} for label, why in listed],
        "n_leaked_rows": len(split.leaked),
        "leaked_rows": [
            {"row": row, "split": SPLITS[split.code[row]], "unit": int(split.unit[row])}
            for row in split.leaked[:_MOST_LISTED].tolist()
        ],
    }


def _report(work: Workspace, split: _Split) -> None:
    counts = np.bincount(split.code, minlength=len(SPLITS)).tolist()
    work.record(
        rows=len(split.code),
        how=split.how,
        n_train=counts[0],
        n_validation=counts[1],
        n_test=counts[2],
        n_duplicate_rows=split.n_duplicates,
        n_leaked_rows=len(split.leaked),
        n_guarantees_unmet=len(split.unmet),
    )
    percent = "/".join(f"{100 * share:.1f}" for share in split.quality.shares)
    kept = f"; {_count(split.n_duplicates, 'duplicate text')} kept together" if split.n_duplicates else ""
    kept = "" if split.how.startswith("as given") else kept
    work.note(f"{percent} %: {'/'.join(map(str, counts))} rows, {split.how}{kept}")
    if len(split.leaked):
        work.note(
            f"Leak: {_count(len(split.leaked), 'row')} with a text or group in more than one of the given "
            f"splits (listed in quality.json, not moved); test figures will be too good"
        )
    if split.unmet:
        first = next(iter(split.unmet.values()))
        work.note(f"{_count(len(split.unmet), 'label')} without a row where one is owed, such as: {first}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
