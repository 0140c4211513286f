"""What a network is built from, and what building it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np
    from numpy.typing import NDArray

    from evenly.formats import Task
    from evenly.train.models.grams import Grams
    from evenly.train.models.linear import Linear
    from evenly.train.models.terms import Terms

__all__ = ["Head", "Network", "Pretrained", "Spec"]


@dataclass(frozen=True)
class Pretrained:
    """An encoder that there is.

    Attributes
    ----------
    encoder
        The artifact.
    trainable
        none, all or last_N: what is trained of it.
    mean, deviation
        Shape (n_features,), float32: of the vectors of the train rows, where the head alone is trained.
    """

    encoder: Path
    trainable: str
    mean: NDArray[np.float32] | None = None
    deviation: NDArray[np.float32] | None = None


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
    terms, grams
        Of tfidf; it can do without grams.
    pretrained
        Of pretrained.
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
    grams: Grams | None = None
    pretrained: Pretrained | None = None


@dataclass(frozen=True)
class Network:
    """Two models of the same layers, `logits` is trained, `probabilities` is saved; and the `linear` part of both."""

    logits: keras.Model
    probabilities: keras.Model
    linear: Linear | None = None

    @property
    def fitted_variables(self) -> list[Any]:
        """All variables that the train rows have a say in."""
        tables = () if self.linear is None else self.linear.tables
        return [*self.logits.trainable_variables, *(variable for table in tables for variable in table.variables)]
