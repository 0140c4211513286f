"""What a network is built from, and what building it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from evenly.formats import Task
    from evenly.train.models.terms import Terms

__all__ = ["Head", "Network", "Spec"]


@dataclass(frozen=True)
class Head:
    """What the network answers.

    Attributes
    ----------
    task
        binary, multiclass or multilabel.
    bias
        Shape (n_outputs,): n_labels, or 1 for binary: the logits of the best constant answer, where training starts.
    live
        Shape (n_outputs,), bool: outputs that the loss looks at; the others stay at their bias.
    positive
        The label id whose logit a binary network gives.
    """

    task: Task
    bias: NDArray[np.float64]
    live: NDArray[np.bool_]
    positive: int | None = None


@dataclass(frozen=True)
class Spec:
    """All that a network may want to know.

    Attributes
    ----------
    head
        What it answers.
    n_ids, pad_id
        Ids that the tokenizer can give, and the one that fills up rows.
    embedding_size, hidden_size, n_layers, dropout
        As in the config.
    n_rows
        Rows of an epoch.
    terms
        Of tfidf.
    """

    head: Head
    n_ids: int
    pad_id: int
    embedding_size: int = 128
    hidden_size: int = 128
    n_layers: int = 2
    dropout: float = 0.2
    n_rows: int = 1
    terms: Terms | None = None


@dataclass(frozen=True)
class Network:
    """Two models of the same layers: `logits` is trained, `probabilities` is saved."""

    logits: keras.Model
    probabilities: keras.Model
