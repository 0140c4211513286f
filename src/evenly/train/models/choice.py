"""Which network, and why: by the size of the table, or by name; and what goes with each.

Rates and batch sizes by measurement on seven tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from evenly.errors import ConfigError, nearest

__all__ = ["MODELS", "ModelChoice", "choose_model"]

_RATES = {"tfidf": 1e-2, "bow": 5e-3, "cnn": 3e-3, "bilstm": 3e-3, "transformer": 1e-3, "custom": 1e-3}
_RATE_OF_MANY_TERMS = 1e-3  # on 17,000 rows the first epoch at 1e-2 was the best, and went too far
MODELS = tuple(_RATES)
"""Names, but for auto."""
_WARMUP_STEPS = {"transformer": 100}
_LARGE, _LARGE_OF_TERMS = 10_000, 2_000
_MOST_ROWS, _MOST_LABELS = 200_000, 300


@dataclass(frozen=True)
class ModelChoice:
    """A network by name, and a sentence that says why it."""

    name: str
    why: str

    def learning_rate(self, n_rows: int) -> float:
        """Return the rate of Adam, for `n_rows` an epoch."""
        return _RATE_OF_MANY_TERMS if self.name == "tfidf" and n_rows > _LARGE else _RATES[self.name]

    @property
    def warmup_steps(self) -> int:
        """Steps until the learning rate is reached."""
        return _WARMUP_STEPS.get(self.name, 0)

    @property
    def dropout(self) -> float:
        """Share of the last features that a step leaves out."""
        return 0.5 if self.name == "tfidf" else 0.2

    def batch_size(self, n_rows: int) -> int:
        """Return the rows of a batch, of `n_rows` an epoch."""
        return 128 if n_rows > (_LARGE_OF_TERMS if self.name == "tfidf" else _LARGE) else 32


def choose_model(name: str, *, n_rows: int, n_labels: int) -> ModelChoice:
    """Return the network named `name`, or for auto the one that fits `n_rows` an epoch and `n_labels`.

    Raises
    ------
    ConfigError
        There is no such network.
    """
    if name != "auto":
        if name not in MODELS:
            raise ConfigError(f"train.model is {name!r}{nearest(name, MODELS)} Expected auto or {', '.join(MODELS)}.")
        return ModelChoice(name, f"model: {name}, as the config says.")
    if n_rows <= _MOST_ROWS and n_labels <= _MOST_LABELS:
        return ModelChoice(
            "tfidf",
            f"model: tfidf, for {n_rows:,} rows an epoch: on tables of this size networks of embeddings lose to TF-IDF "
            f"with logistic regression; this one looks at the same terms.",
        )
    return ModelChoice(
        "bow",
        f"model: bow, for {n_rows:,} rows an epoch and {n_labels:,} labels: quick at any size; above "
        f"{_MOST_ROWS:,} rows or {_MOST_LABELS} labels the weights of tfidf grow too many.",
    )
