"""What can be asked of the reader, and whether it fits together.

Comes in: the keyword arguments of `read_shards` and `iter_batches`. Goes out: a checked `FeedOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

import numpy as np

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["INPUTS", "FeedArguments", "FeedOptions", "Input", "Labels"]

Labels = Literal["multi_hot", "int", "indices"]
Input = Literal["input_ids", "attention_mask", "token_type_ids", "position_ids"]
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


class FeedArguments(TypedDict, total=False):
    """The fields of `FeedOptions` as keyword arguments."""

    split: Required[str]
    n_labels: Required[int]
    pad_id: Required[int]
    batch_size: int | None
    batch_tokens: int | None
    shuffle: bool
    seed: int
    labels: Labels
    label_dtype: Any
    buckets: Sequence[int] | Literal["window"] | None
    pad_to: Literal["bucket"] | int | None
    drop_remainder: bool
    inputs: Sequence[Input]
    separator_id: int | None
    shard: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class FeedOptions:
    """How rows become batches.

    Attributes
    ----------
    split
        train, validation or test.
    n_labels
        Labels of the table, also those that no row of this split has.
    pad_id
        What fills up a row; see the facts of the tokenizer.
    batch_size
        Rows a batch of one worker.
    batch_tokens
        Instead of `batch_size`: rows times width (times columns of ids) is at most this. Short rows make large
        batches, long rows small ones.
    shuffle
        False: rows ascending by number (with `batch_tokens` or widths as `buckets`, in each bucket). True: an order
        that depends only on (seed, epoch).
    seed
        Of the orders.
    labels
        "multi_hot": (batch, n_labels). "int": (batch,), one label a row. "indices": (batch, most labels a row),
        filled up with -1.
    label_dtype
        Of the targets; None: float32 for "multi_hot", else int32. For mixed precision "float16" or "bfloat16", for
        fewer bytes "int8" or "bool".
    buckets
        Which rows may share a batch. "window": of like length, in windows of 8,192 rows; batches have one size. Widths
        like (64, 128, 256): those that fit in the same width; each bucket has a smaller batch an epoch. None: all.
    pad_to
        None: a run of some batches is as wide as its longest row, rounded up to a multiple of 8. "bucket": as its
        bucket; without widths as `buckets`, of widths that grow by an eighth. A number: all are that wide.
    drop_remainder
        Leave out the smaller batches, other rows in each epoch.
    inputs
        What the model asks for, each int32 (batch, width): with "attention_mask" (1 where there is an id),
        "token_type_ids" (0 up to the first separator, then 1) or "position_ids" (counted from 0) the inputs are a dict.
    separator_id
        What divides two texts of a row, for "token_type_ids".
    shard
        (number of workers, index of this one): each worker reads other rows, all together each row once an epoch,
        all of them the same number of batches.
    """

    split: str
    n_labels: int
    pad_id: int
    batch_size: int | None = None
    batch_tokens: int | None = None
    shuffle: bool = False
    seed: int = 0
    labels: Labels = "multi_hot"
    label_dtype: Any = None
    buckets: Sequence[int] | Literal["window"] | None = "window"
    pad_to: Literal["bucket"] | int | None = None
    drop_remainder: bool = False
    inputs: Sequence[Input] = ("input_ids",)
    separator_id: int | None = None
    shard: tuple[int, int] = (1, 0)

    def __post_init__(self) -> None:
        """Check what can be checked without the shards.

        Raises
        ------
        ConfigError
            A size is not positive, or two options exclude each other.
        """
        if (self.batch_size is None) == (self.batch_tokens is None):
            given = "both" if self.batch_size is not None else "neither"
            raise ConfigError(f"Of batch_size and batch_tokens {given} is given: expected one of them.")
        for name in ("batch_size", "batch_tokens", "n_labels", "pad_to"):
            size = getattr(self, name)
            if isinstance(size, int) and size < 1:
                raise ConfigError(f"{name} is {size}, expected at least 1.")
        self._check_inputs()
        n_workers, index = self.shard
        if not 0 <= index < n_workers:
            raise ConfigError(f"shard is {self.shard}, expected (number of workers, index from 0 on).")
        if self.labels != "multi_hot" and self.target_dtype.kind not in "iu":
            raise ConfigError(f"label_dtype is {self.target_dtype}, but labels={self.labels!r} are whole numbers.")

    def _check_inputs(self) -> None:
        odd = [name for name in self.inputs if name not in INPUTS]
        if odd or not self.inputs or isinstance(self.inputs, str):
            raise ConfigError(f"inputs is {self.inputs!r}, expected a sequence of {', '.join(INPUTS)}.")
        if "token_type_ids" in self.inputs and self.separator_id is None:
            raise ConfigError("inputs has token_type_ids, which need separator_id: the id between two texts of a row.")

    @property
    def target_dtype(self) -> np.dtype[Any]:
        """The type of the targets."""
        name = self.label_dtype or ("float32" if self.labels == "multi_hot" else "int32")
        if name == "bfloat16":
            import ml_dtypes

            name = ml_dtypes.bfloat16
        dtype: np.dtype[Any] = np.dtype(name)
        return dtype
