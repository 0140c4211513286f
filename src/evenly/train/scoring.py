"""Score splits with a network: probabilities on disk, and what they measure on validation.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from evenly.formats import read_labels
from evenly.train.evaluation.metrics import macro_pr_auc
from evenly.train.evaluation.windows import mean_by_row
from evenly.train.feed.batches import open_batches
from evenly.train.feed.dataset import to_dataset
from evenly.train.score_file import open_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from evenly.train.feed.batches import Batches
    from evenly.train.job import TrainJob
    from evenly.train.models.spec import Network

__all__ = ["SplitScorer", "validation_measure"]

_ROWS_A_BATCH = 256


class SplitScorer:
    """The rows of one split, and a compiled function that scores them.

    Attributes
    ----------
    rows
        Shape (n_rows,), int64, ascending: those that `score` gives scores of, each once.
    """

    def __init__(self, job: TrainJob, network: Network, split: str, *, at_most: int | None = None) -> None:
        """Score all rows of a split, or `at_most` of them (rounded up to whole batches), drawn at random."""
        sample = at_most is not None
        batches = _open(job, split, shuffle=sample)
        self._n_steps = min(batches.steps_per_epoch, -(-(at_most or 0) // _ROWS_A_BATCH)) if sample else None
        self._dataset = to_dataset(batches).take(-1 if self._n_steps is None else self._n_steps)
        read = batches.rows()
        self._read = read if self._n_steps is None else read[: self._n_steps * _ROWS_A_BATCH]
        self.rows = np.unique(self._read)
        self._path, self._n_labels = job.scratch / f"{split}.f32", job.n_labels
        inputs = self._dataset.element_spec[0]
        self._predict = tf.function(lambda ids: network.probabilities(ids, training=False), input_signature=[inputs])

    def score(self) -> NDArray[np.float32]:
        """Return the probabilities of `rows`, shape (n_rows, n_labels), a file of the scratch: ``<split>.f32``."""
        scores = open_scores(self._path, len(self.rows), self._n_labels, mode="w+")
        pieces = (self._predict(batch[0]) for batch in self._dataset)
        if np.array_equal(self.rows, self._read):
            _fill(scores, pieces)
            return scores
        raw_path = self._path.with_suffix(".read.f32")
        raw = open_scores(raw_path, len(self._read), self._n_labels, mode="w+")
        _fill(raw, pieces)
        mean_by_row(self._read, raw, scores)
        raw_path.unlink(missing_ok=True)
        return scores


def validation_measure(job: TrainJob, network: Network) -> Callable[[], dict[str, float]]:
    """Return a function that measures validation, first what decides which epoch is the best.

    PR-AUC, macro or of the positive class. Where a row has one class of several, the mean of PR-AUC and macro-F1 at
    argmax: ranking alone stops so early that rare classes never come first (trec1000: 2 to 3 points of macro-F1).
    """
    scorer = SplitScorer(job, network, "validation")
    labels = read_labels(job.table)[scorer.rows]
    if job.positive is not None:
        column = np.array([job.positive])
        return lambda: {"val_pr_auc_positive": macro_pr_auc(scorer.score()[:, column], labels[:, column])}
    if job.task == "multilabel":
        return lambda: {"val_pr_auc_macro": macro_pr_auc(scorer.score(), labels)}

    def measure() -> dict[str, float]:
        scores = scorer.score()
        area, f1 = macro_pr_auc(scores, labels), _macro_f1(scores, labels.indices)
        return {"val_score": (area + f1) / 2, "val_pr_auc_macro": area, "val_f1_macro": f1}

    return measure


def _macro_f1(scores: NDArray[np.float32], classes: NDArray[np.int32]) -> float:
    """Return the mean F1 at argmax over the classes that are there; NaN where no row is."""
    if not len(classes):
        return float("nan")
    n_classes, given = scores.shape[1], scores.argmax(axis=1)
    hits = np.bincount(classes[given == classes], minlength=n_classes)
    there, named = np.bincount(classes, minlength=n_classes), np.bincount(given, minlength=n_classes)
    return float(np.mean((2 * hits / np.maximum(there + named, 1))[there > 0]))


def _open(job: TrainJob, split: str, *, shuffle: bool) -> Batches:
    return open_batches(
        job.shards[:1],
        embeddings=job.embeddings[:1],
        split=split,
        batch_size=_ROWS_A_BATCH,
        n_labels=job.n_labels,
        pad_id=job.pad_id,
        shuffle=shuffle,
        seed=job.seed,
        labels="indices",
    )


def _fill(scores: NDArray[np.float32], pieces: Iterable[Any]) -> None:
    start = 0
    for piece in pieces:
        found = piece.numpy()
        scores[start : start + len(found)] = found
        start += len(found)
