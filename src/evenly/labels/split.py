"""Stage ``split``: table and checks -> train, validation and test rows, no text and no group in two of them.

Comes in: a table and what was found out about its texts. Goes out: ``split.parquet`` (row, split, unit and, with
folds, fold), ``labels.parquet`` (where each label fell, and which guarantee could not be kept), ``quality.json``.
Rows that the checks leave out get no split. Where the table names the splits itself they are kept and checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.errors import ConfigError, DataError
from evenly.formats import SPLITS, read_checks, read_facts, read_label_names, read_labels
from evenly.labels.by_time import split_by_time
from evenly.labels.folds import fold_units, folds_to_splits
from evenly.labels.given import complete_given, read_given
from evenly.labels.guarantees import unmet_guarantees
from evenly.labels.iterative import split_units
from evenly.labels.leaks import find_leaks
from evenly.labels.quality import split_quality
from evenly.labels.split_files import SplitFound, report_split, write_split
from evenly.labels.times import read_times, shown_time
from evenly.labels.units import gather_units, join_relations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.workspace import Workspace

__all__ = ["split_table"]


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
    """Give every row of a table a split, but those that the checks leave out.

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
    ConfigError
        Two ways to split are asked for at once.
    DataError
        The table names splits of its own, but not for every row, others than train, validation and test, or
        none of train; a time is missing or cannot be read; there are too few rows; or none is used.
    """
    labels, found = read_labels(table), read_checks(checks)
    unit = join_relations(found.same_text, found.near_text, found.same_group)
    rows = np.flatnonzero(found.used)
    if not len(rows):
        raise DataError(f"None of the {len(unit)} rows is used: checks.on_conflict leaves all of them out.")
    asked = _Asked(
        table, labels[rows], unit[rows], rows, shares=(train, validation, test), order=order, by=by, seed=seed
    )
    chosen = asked.choose(folds, fold)
    code = _spread(chosen.code, rows, len(unit))
    split = SplitFound(
        code=code,
        unit=unit,
        fold=None if chosen.fold is None else _spread(chosen.fold, rows, len(unit)),
        quality=split_quality(asked.labels, chosen.code, chosen.shares),
        unmet=_find_unmet(asked, chosen),
        leaks=find_leaks(code, unit, found),
        # With counts it sorts; without, NumPy hashes, which takes fifty times as long
        n_duplicates=len(rows) - len(np.unique(found.same_text[rows], return_counts=True)[0]),
        how=chosen.how,
        more=chosen.more,
    )
    write_split(work.out, split, labels, read_label_names(table))
    report_split(work, split)


@dataclass(frozen=True)
class _Chosen:
    """A split of the used rows; `fixed` says why no unit was moved for the guarantees, `more` what else there is."""

    code: NDArray[np.int8]
    shares: Sequence[float]
    how: str
    fixed: str = ""
    fold: NDArray[np.int8] | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """The used rows of a table, and how they are to be split."""

    table: Path
    labels: sparse.csr_matrix
    unit: NDArray[np.int64]
    rows: NDArray[np.int64]
    shares: Sequence[float]
    order: int
    by: str | None
    seed: int

    def choose(self, folds: int | None, fold: int) -> _Chosen:
        """Split as asked for."""
        given = read_given(self.table)
        if given is not None:
            self._refuse_two_ways(folds)
            code, how = complete_given(
                given[self.rows], self.labels, self.unit, shares=self.shares, order=self.order, seed=self.seed
            )
            return _Chosen(code, self.shares, how, "the table itself gives the splits")
        if folds is not None:
            return self._in_folds(folds, fold)
        return self._iteratively() if self.by is None else self._by_time(self.by)

    def _refuse_two_ways(self, folds: int | None) -> None:
        for name, value in (("split.folds", folds), ("split.by", self.by)):
            if value is not None:
                raise ConfigError(
                    f"{name} is {value!r}, but the table names its splits itself (source.split): leave one of them out."
                )

    def _iteratively(self) -> _Chosen:
        units = gather_units(self.labels, self.unit)
        code = split_units(self.labels, units, self.shares, self.order, self.seed)[units.of_row]
        if read_facts(self.table)["task"] != "multilabel":
            return _Chosen(code, self.shares, "stratified")
        return _Chosen(
            code, self.shares, "iterative" if self.order == 1 else "by iterative stratification of labels and pairs"
        )

    def _in_folds(self, folds: int, fold: int) -> _Chosen:
        if not 0 <= fold < folds:
            raise ConfigError(f"split.fold is {fold}, and there are {folds} folds: 0 to {folds - 1}.")
        units = gather_units(self.labels, self.unit)
        found = fold_units(self.labels, units, folds, self.order, self.seed)[units.of_row]
        sizes = np.bincount(found, minlength=folds).tolist()
        return _Chosen(
            folds_to_splits(found, folds, fold),
            ((folds - 2) / folds, 1 / folds, 1 / folds),
            f"in folds: fold {fold} of {folds} is test, fold {(fold + 1) % folds} validation",
            "its rows are in other folds",
            found,
            {"folds": sizes, "fold": fold},
        )

    def _by_time(self, by: str) -> _Chosen:
        found = split_by_time(read_times(self.table, by, self.rows), self.unit, self.shares)
        begins = [shown_time(self.table, by, int(self.rows[row])) for row in found.first]
        return _Chosen(
            found.code,
            self.shares,
            f"by {by}: validation from {begins[1]}, test from {begins[2]}",
            "its rows are of other times",
            more={
                "by": by,
                "begins": dict(zip(SPLITS, begins, strict=True)),
                "n_older_rows": int(found.older.sum()),
            },
        )


def _spread(values: NDArray[np.int8], rows: NDArray[np.int64], n_rows: int) -> NDArray[np.int8]:
    """Return the values of the used rows in their places among all rows, -1 elsewhere."""
    spread = np.full(n_rows, -1, np.int8)
    spread[rows] = values
    return spread


def _find_unmet(asked: _Asked, chosen: _Chosen) -> dict[int, str]:
    if chosen.fixed:  # given units may lie in two splits: look at rows
        return unmet_guarantees(asked.labels, chosen.code, len(SPLITS), fixed=chosen.fixed)
    units = gather_units(asked.labels, asked.unit)
    of_unit = np.empty(len(units.sizes), np.int8)
    of_unit[units.of_row] = chosen.code
    return unmet_guarantees(units.labels, of_unit, len(SPLITS))
