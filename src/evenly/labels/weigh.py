"""Stage ``weights``: table and split -> the weights by which the loss makes rare labels count.

Comes in: a table and its split; only the train rows are counted. Goes out: ``labels.parquet`` (class_weight
and pos_weight of each label) and ``rows.parquet`` (sample_weight of each train row).

One label a row: the class weight *is* the sample weight of the row, so it is applied once, per row. Several
labels a row: pos_weight is applied inside the loss, label by label, since Keras' `class_weight` takes the
argmax of a multi-hot row (the weight of its first label) and an (n, n_labels) `sample_weight` is refused or
multiplies the wrong axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ConfigError, nearest
from evenly.formats import read_facts, read_label_names, read_labels, read_split
from evenly.imbalance import label_counts
from evenly.labels.weights import SampleMode, Scheme, class_weights, label_weights, sample_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.workspace import Workspace

__all__ = ["weigh_labels"]

_FORMULAS: dict[bool, dict[str, str]] = {
    False: {"balanced": "N/(Kn)", "inverse_sqrt": "1/sqrt(n)", "effective": "1/(effective rows)"},
    True: {
        "balanced": "(N-c)/c",
        "inverse_sqrt": "sqrt((N-c)/c)",
        "effective": "(effective rows without/with)",
    },
}
_AUTO: dict[str, Scheme] = {"binary": "none", "multiclass": "inverse_sqrt", "multilabel": "inverse_sqrt"}


def weigh_labels(
    work: Workspace, *, table: Path, split: Path, scheme: str, beta: float, sample: str, cap: float
) -> None:
    """Weigh labels and train rows.

    Parameters
    ----------
    work
        Where to write.
    table, split
        The folders of a table and of its split.
    scheme
        "auto" (by the task: none for binary, inverse_sqrt else), "none", "balanced", "inverse_sqrt",
        "effective".
    beta
        Of "effective", in (0, 1).
    sample
        Several labels a row only: weights of the rows too; "none", "max", "mean" or "min_count".
    cap
        Largest weight, at least 1.

    Raises
    ------
    ConfigError
        A setting is unknown or out of range.
    """
    task = read_facts(table)["task"]
    rows = read_split(split).rows("train")
    choice = _Choice(_resolve(scheme, task), _sample_mode(sample, task), beta, cap, several=task == "multilabel")
    found = _weigh(read_labels(table)[rows], choice)
    columns = {
        "id": pa.array(np.arange(len(found.counts), dtype=np.int32)),
        "name": pa.array(read_label_names(table), pa.string()),
        "count": pa.array(found.counts),
        "class_weight": pa.array(found.class_weight),
        "pos_weight": pa.array(found.pos_weight),
    }
    pq.write_table(pa.table(columns), work.out / "labels.parquet", compression="zstd")
    weighed = {"row": pa.array(rows), "sample_weight": pa.array(found.sample_weight.astype(np.float32))}
    pq.write_table(pa.table(weighed), work.out / "rows.parquet", compression="zstd")
    work.record(
        rows=len(rows),
        scheme=choice.scheme,
        sample=choice.mode if choice.several else "none",
        beta=beta,
        cap=cap,
        n_capped=found.n_capped,
        scaled_to="mean 1 over the train rows",
        mean_sample_weight=round(float(found.sample_weight.mean()), 6) if len(rows) else None,
        largest_sample_weight=round(float(found.sample_weight.max()), 6) if len(rows) else None,
        n_empty=int((found.counts == 0).sum()),
        applied=choice.applied,
    )
    work.note(_sentence(choice, found, f" (auto: the default for {task} tables)" if scheme == "auto" else ""))


@dataclass(frozen=True)
class _Choice:
    """What was asked for, resolved."""

    scheme: Scheme
    mode: SampleMode
    beta: float
    cap: float
    several: bool

    @property
    def applied(self) -> str:
        """Where the trainer must apply the weights."""
        if self.scheme == "none":
            return "nowhere"
        if not self.several:
            return "per row"
        return "inside the loss" if self.mode == "none" else "inside the loss and per row"


@dataclass(frozen=True)
class _Weights:
    """Weights of labels, shape (n_labels,), and of train rows, shape (n_train,)."""

    counts: NDArray[np.int64]
    class_weight: NDArray[np.float64]
    pos_weight: NDArray[np.float64]
    sample_weight: NDArray[np.float64]
    n_capped: int


def _weigh(labels: sparse.csr_matrix, choice: _Choice) -> _Weights:
    """Weigh the train rows' labels; what is not weighed is 1, an empty label 0."""
    counts, cut = label_counts(labels), {"beta": choice.beta, "cap": choice.cap}
    ones = np.where(counts > 0, 1.0, 0.0)
    if choice.several:
        chosen = label_weights(counts, labels.shape[0], choice.scheme, **cut).pos_weight
    else:
        chosen = class_weights(counts, choice.scheme, **cut)
    return _Weights(
        counts=counts,
        class_weight=ones if choice.several else chosen,
        pos_weight=chosen if choice.several else ones,
        sample_weight=sample_weights(labels, choice.scheme, choice.mode, **cut),
        n_capped=0 if choice.scheme == "none" else int((chosen >= choice.cap).sum()),
    )


def _resolve(scheme: str, task: str) -> Scheme:
    if scheme == "auto":
        return _AUTO[task]
    schemes: tuple[Scheme, ...] = get_args(Scheme)
    for known in schemes:
        if scheme == known:
            return known
    names = ("auto", *schemes)
    raise ConfigError(f"weights.scheme is {scheme!r}, expected one of {', '.join(names)}{nearest(scheme, names)}")


def _sample_mode(sample: str, task: str) -> SampleMode:
    """Return the mode; with one label a row all of them are the weight of that label."""
    modes: tuple[SampleMode, ...] = get_args(SampleMode)
    for known in modes:
        if sample == known:
            return known if task == "multilabel" else "max"
    raise ConfigError(
        f"weights.sample is {sample!r}, expected one of {', '.join(modes)}{nearest(sample, modes)} "
        f"(a product of the labels' weights is not there on purpose: see evenly.labels.weights)."
    )


def _sentence(choice: _Choice, found: _Weights, why: str) -> str:
    """Return the note: which weights, why, and where they are applied."""
    if choice.scheme == "none":
        return f"no weights{why}: every row and label counts the same"
    kind = "pos_weight" if choice.several else "class weight"
    weights = (found.pos_weight if choice.several else found.class_weight)[found.counts > 0]
    spread = f", {weights.min():.2g} to {weights.max():.2g}" if len(weights) else ""
    capped = f", {found.n_capped} at the cap" if found.n_capped else ""
    return f"{kind} {_FORMULAS[choice.several][choice.scheme]}{why}{spread}{capped}; applied {choice.applied}"
