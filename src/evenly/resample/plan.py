"""The stage: a table and its split -> ``plan.parquet``, ``synthetic.parquet`` and ``labels.parquet``.

Only rows of the train split are looked at; where each comes from is checked before anything is written.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly import formats
from evenly.errors import ConfigError, DataError
from evenly.imbalance import label_matrix
from evenly.resample.changes import Changes
from evenly.resample.embedding_features import write_embedding_features
from evenly.resample.limits import Amount, Limits, ResamplingWarning
from evenly.resample.lineage import trace_parents
from evenly.resample.methods import sampler_of
from evenly.resample.neighborhoods import MappedSearch
from evenly.resample.sampler import Features
from evenly.resample.sampling_report import report
from evenly.resample.synthetic import synthetic_schema, write_synthetic
from evenly.resample.table_features import write_text_features
from evenly.resample.vector_features import write_vector_features
from evenly.store import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.sampler import Sampler
    from evenly.workspace import Workspace

__all__ = ["PLAN", "make_plan"]

MULTILABEL_TWIN = {"random_over": "ml_ros", "random_under": "ml_rus"}
PLANNED_RULES = ("weighted", "ranking", "union", "intersection")


def make_plan(
    work: Workspace,
    *,
    table: Path,
    split: Path,
    method: str,
    target_ir: float | None,
    max_copies: int | None,
    max_growth: float | None,
    k_neighbors: int,
    labels: str,
    seed: int,
    n_samples: int | None = None,
    ratio: float | None = None,
    ranking_ties: str = "drop",
    realise: str = "splice",
    features: str | None = None,
    embeddings: Path | None = None,
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
    target_ir, n_samples, ratio, max_copies, max_growth
        See `Amount`; at most one of the first three, none: the method's own rule.
    k_neighbors, labels, ranking_ties, realise
        See `MLSMOTE`; `labels` is its `label_rule`, ``soft`` left out: shards hold no soft labels.
    features
        A column of the table, lists of numbers of one length, to look for neighbours in; None: TF-IDF of the texts.
    seed
        Of the generator.
    embeddings
        The artifact with the vectors of the table's texts, to look for neighbours in; None: as `features` says.

    Raises
    ------
    ConfigError
        A parameter is unknown or out of range.
    DataError
        The train split is empty.
    LineageError
        A row of another split would leak into the train split.
    """
    if labels not in PLANNED_RULES:
        raise ConfigError(f"resample.labels is {labels!r}; expected one of {', '.join(PLANNED_RULES)}.")
    amount: Amount = {
        "target_ir": target_ir,
        "n_samples": n_samples,
        "ratio": ratio,
        "max_copies": max_copies,
        "max_growth": max_growth,
    }
    Limits.stated(**amount)
    rows = formats.read_split(split)
    train = rows.rows("train")
    if not len(train):
        raise DataError("The train split has no rows, so there is nothing to resample: give it a larger share.")
    held = label_matrix(formats.read_labels(table)[train])
    used = _applicable(method, held, work)
    options: Any = {"label_rule": labels, "ranking_ties": ranking_ties, "realise": realise}
    sampler = sampler_of(used, amount, k_neighbors=k_neighbors, **options)
    changes = _run(sampler, held, work, table=table, train=train, features=features, seed=seed, embeddings=embeddings)
    names = formats.read_label_names(table)
    limits = Limits.stated() if sampler is None else sampler.limits
    told = report(held, changes, limits, used, names, k_neighbors=k_neighbors)
    recipes = changes.recipes.renumbered(train)
    parents = np.concatenate([train[changes.copies > 1], recipes.seed, recipes.reference])
    lineage = _check_lineage(work, parents, rows, table)
    pq.write_table(pa.table({"row": train, "copies": changes.copies}), work.out / "plan.parquet")
    pq.write_table(told.table(), work.out / "labels.parquet")
    schema = synthetic_schema(table, formats.read_facts(table)["text_columns"])
    write_synthetic(work, recipes, table=table, first_row=len(rows.code), schema=schema)
    n_after = int(changes.copies.sum()) + len(recipes)
    work.record(rows=n_after, method=used, lineage=lineage, **told.outcome.facts())
    for note in () if sampler is None else (str(told), told.doubt):
        if note:
            work.note(note)


PLAN = Stage("plan", 4, make_plan)


def _applicable(method: str, labels: sparse.csr_matrix, work: Workspace) -> str:
    """Return the method that does for these labels what the given one asks for."""
    if method not in MULTILABEL_TWIN or (np.diff(labels.indptr) == 1).all():
        return method
    twin = MULTILABEL_TWIN[method]
    work.note(f"{method}: rows hold several labels, so {twin} is used, its form for such tables")
    return twin


def _run(
    sampler: Sampler | None,
    labels: sparse.csr_matrix,
    work: Workspace,
    *,
    table: Path,
    train: NDArray[np.int64],
    features: str | None,
    seed: int,
    embeddings: Path | None,
) -> Changes:
    """Let the sampler plan; what it warns of becomes a note."""
    if sampler is None:
        return Changes.copying(np.ones(len(train), np.int32), labels.shape[1])
    columns: list[str] = formats.read_facts(table)["text_columns"]

    def find(wanted: NDArray[np.bool_]) -> MappedSearch:
        if embeddings is not None:
            return MappedSearch(work, write_embedding_features(work, embeddings=embeddings, rows=train))
        if features is not None:
            return MappedSearch(work, write_vector_features(work, table=table, rows=train, column=features))
        return MappedSearch(work, write_text_features(work, table=table, rows=train, wanted=wanted, columns=columns))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResamplingWarning)
        changes = sampler.plan(labels, Features(find), np.random.default_rng(seed))
    for warning in caught:
        if not issubclass(warning.category, ResamplingWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        else:
            work.note(str(warning.message))
    return changes


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
