"""Which network, and why: by the size of the table, or by name; and what goes with each.

Rates and batch sizes by measurement on seven tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from evenly.errors import ConfigError, nearest

__all__ = ["MODELS", "ModelChoice", "choose_model"]

_RATES = {
    "tfidf": 1e-3,
    "bow": 5e-3,
    "cnn": 3e-3,
    "bilstm": 3e-3,
    "transformer": 1e-3,
    "pretrained": 1e-3,
    "custom": 1e-3,
}
_RATE_OF_FEW_VECTORS = 5e-3  # by validation: trec1000 gains by it over 1e-3 what netflix_genres would lose
_RATE_OF_AN_ENCODER = 5e-5  # the highest of those that BERT's paper (Devlin et al. 2019, A.3) tries
MODELS = tuple(_RATES)
"""Names, but for auto."""
_WARMUP_STEPS = {"transformer": 100}
_LARGE, _LARGE_OF_TERMS, _FEW_VECTORS = 10_000, 2_000, 2_000
_MOST_ROWS, _MOST_LABELS = 200_000, 300


@dataclass(frozen=True)
class ModelChoice:
    """A network by name, and a sentence that says why it; of pretrained, what is trained.

    Attributes
    ----------
    name, why
        The two.
    tunes_encoder
        Whether the encoder is trained, too.
    reads_few_vectors
        Whether a head alone is, on the vectors of a small table.
    """

    name: str
    why: str
    tunes_encoder: bool = False
    reads_few_vectors: bool = False

    @property
    def learning_rate(self) -> float:
        """The rate of Adam."""
        if self.tunes_encoder:
            return _RATE_OF_AN_ENCODER
        return _RATE_OF_FEW_VECTORS if self.reads_few_vectors else _RATES[self.name]

    @property
    def warmup_steps(self) -> int:
        """Steps until the learning rate is reached."""
        return _WARMUP_STEPS["transformer"] if self.tunes_encoder else _WARMUP_STEPS.get(self.name, 0)

    @property
    def dropout(self) -> float:
        """Share of the last features that a step leaves out."""
        on_vectors = self.name == "pretrained" and not self.tunes_encoder
        return 0.5 if self.name == "tfidf" or on_vectors else 0.2

    def batch_size(self, n_rows: int) -> int:
        """Return the rows of a batch, of `n_rows` an epoch."""
        if self.tunes_encoder:
            return 32
        return 128 if n_rows > (_LARGE_OF_TERMS if self.name == "tfidf" else _LARGE) else 32


def choose_model(name: str, *, n_rows: int, n_labels: int, trainable: str = "none") -> ModelChoice:
    """Return the network named `name`, or for auto the one that fits `n_rows` an epoch and `n_labels`.

    Of pretrained, `trainable` says what is trained beside the head: none, all or last_N.

    Raises
    ------
    ConfigError
        There is no such network.
    """
    if name != "auto":
        if name not in MODELS:
            raise ConfigError(f"train.model is {name!r}{nearest(name, MODELS)} Expected auto or {', '.join(MODELS)}.")
        beside = {"none": "the encoder left as it is", "all": "the encoder, too"}.get(trainable, f"and {trainable}")
        trained = f" (trained: a head; {beside})" if name == "pretrained" else ""
        on_vectors = name == "pretrained" and trainable == "none"
        return ModelChoice(
            name,
            f"model: {name}{trained}, as the config says.",
            tunes_encoder=name == "pretrained" and not on_vectors,
            reads_few_vectors=on_vectors and n_rows <= _FEW_VECTORS,
        )
    if n_rows <= _MOST_ROWS and n_labels <= _MOST_LABELS:
        return ModelChoice(
            "tfidf",
            f"model: tfidf, for {n_rows:,} rows an epoch: on tables of this size networks of embeddings lose to TF-IDF "
            f"with logistic regression; this one begins as such a regression, over words and strings of characters.",
        )
    return ModelChoice(
        "bow",
        f"model: bow, for {n_rows:,} rows an epoch and {n_labels:,} labels: quick at any size; above "
        f"{_MOST_ROWS:,} rows or {_MOST_LABELS} labels the weights of tfidf grow too many.",
    )
