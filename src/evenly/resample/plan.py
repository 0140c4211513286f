"""The stage: a table and its split -> ``plan.parquet``, ``synthetic.parquet`` and ``labels.parquet``.

Only rows of the train split are looked at; where each comes from is checked before anything is written.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly import formats
from evenly.errors import ConfigError, DataError
from evenly.imbalance import label_matrix
from evenly.resample.limits import Limits
from evenly.resample.lineage import trace_parents
from evenly.resample.mlsmote import Recipes, mlsmote, servable_labels
from evenly.resample.neighborhoods import MappedSearch
from evenly.resample.multilabel import ml_ros, ml_rus
from evenly.resample.outcome import measure
from evenly.resample.single_label import random_over, random_under
from evenly.resample.synthetic import synthetic_schema, write_synthetic
from evenly.resample.table_features import write_text_features
from evenly.store import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.mlsmote import LabelRule
    from evenly.workspace import Workspace

__all__ = ["PLAN", "make_plan"]

METHODS = ("none", "random_over", "random_under", "ml_ros", "ml_rus", "mlsmote")
MULTILABEL_TWIN = {"random_over": "ml_ros", "random_under": "ml_rus"}


def make_plan(
    work: Workspace,
    *,
    table: Path,
    split: Path,
    method: str,
    target_ir: float,
    max_copies: int,
    max_growth: float,
    k_neighbors: int,
    labels: str,
    seed: int,
) -> None:
    """Plan the copies of every train row, and the synthetic rows beside them.

    Parameters
    ----------
    work
        The folder to fill, and the executor.
    table, split
        The artifacts of ingest and split.
    method
        One of `METHODS`. On a multi-label table ``random_over`` means ``ml_ros``, ``random_under`` ``ml_rus``.
    target_ir, max_copies, max_growth
        See `Limits`.
    k_neighbors, labels
        See `mlsmote`.
    seed
        Of the generator.

    Raises
    ------
    ConfigError
        A parameter is unknown or out of range.
    DataError
        The train split is empty.
    LineageError
        A row of another split would leak into the train split.
    """
    limits = Limits(target_ir, max_copies, max_growth)
    rows = formats.read_split(split)
    train = rows.rows("train")
    if not len(train):
        raise DataError("The train split has no rows, so there is nothing to resample: give it a larger share.")
    held = label_matrix(formats.read_labels(table)[train])
    used = _applicable(method, held, work)
    text_columns: list[str] = formats.read_facts(table)["text_columns"]
    copies, recipes = np.ones(len(train), np.int32), Recipes.none(held.shape[1])
    rng = np.random.default_rng(seed)
    if used == "mlsmote":
        wanted = _may_be_parents(held, target_ir)
        recipes = mlsmote(
            held,
            MappedSearch(work, write_text_features(work, table=table, rows=train, wanted=wanted, columns=text_columns)),
            **asdict(limits),
            k_neighbors=k_neighbors,
            label_rule=cast("LabelRule", labels),
            random_state=rng,
        )
    else:
        copies = _plan_copies(used, held, limits, rng)
    outcome = measure(held, copies, recipes, limits, used)
    recipes = recipes.renumbered(train)
    schema = synthetic_schema(table, text_columns)
    parents = np.concatenate([train[copies > 1], recipes.seed, recipes.reference])
    lineage = _check_lineage(work, parents, rows, table)
    pq.write_table(pa.table({"row": train, "copies": copies}), work.out / "plan.parquet")
    names = formats.read_label_names(table)
    pq.write_table(outcome.table(names), work.out / "labels.parquet")
    write_synthetic(work, recipes, table=table, first_row=len(rows.code), schema=schema)
    n_after = int(copies.sum()) + len(recipes)
    work.record(rows=n_after, method=used, lineage=lineage, **outcome.facts())
    if used != "none":
        work.note(outcome.sentence(used, target_ir, names))


PLAN = Stage("plan", 1, make_plan)


def _applicable(method: str, labels: sparse.csr_matrix, work: Workspace) -> str:
    """Return the method that does for these labels what the given one asks for."""
    if method not in METHODS:
        raise ConfigError(f"resample.method is {method!r}; expected one of {', '.join(METHODS)}.")
    if method not in MULTILABEL_TWIN or (np.diff(labels.indptr) == 1).all():
        return method
    twin = MULTILABEL_TWIN[method]
    work.note(f"{method}: rows hold several labels, so {twin} is used, its form for such tables")
    return twin


def _may_be_parents(labels: sparse.csr_matrix, target_ir: float) -> NDArray[np.bool_]:
    return np.asarray(labels @ servable_labels(labels, target_ir).astype(np.int64)) > 0


def _plan_copies(method: str, labels: sparse.csr_matrix, limits: Limits, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the copies of every train row, shape (n_train,)."""
    bounds = {"target_ir": limits.target_ir, "max_growth": limits.max_growth}
    if method == "random_over":
        return random_over(labels.indices, max_copies=limits.max_copies, random_state=rng, **bounds)
    if method == "random_under":
        return random_under(labels.indices, random_state=rng, **bounds)
    if method == "ml_ros":
        return ml_ros(labels, max_copies=limits.max_copies, random_state=rng, **bounds)
    if method == "ml_rus":
        return ml_rus(labels, random_state=rng, **bounds)
    return np.ones(labels.shape[0], np.int32)


def _check_lineage(work: Workspace, parents: NDArray[np.int64], rows: formats.SplitRows, table: Path) -> dict[str, int]:
    """Refuse or note what leaks, and return the facts."""
    given = "given_split" in pq.read_schema(formats.list_parts(table)[0]).names
    lineage = trace_parents(parents, rows)
    lineage.refuse_leaks(split_was_given=given)
    if lineage.twins_outside:
        work.note(
            f"the given split leaks: {lineage.twins_outside:,} of {lineage.parents:,} rows that were copied or "
            f"spliced have a twin (the same text or group) outside of the train split"
        )
    return asdict(lineage)
