"""How several text columns become rows of ids: one list a row, or one list a column.

Comes in: what the tokenizer knows and what is asked for. Goes out: the columns of a shard, and what each is made of.
Several texts of a row stand between the special tokens that the tokenizer itself puts there (``[CLS] a [SEP] b
[SEP]``, more texts likewise), an empty text between them too: the ids are those of ``tokenizer(a, b)``, and a model
can tell a missing title from a missing body. A tokenizer without such a form joins them by its separator token, or as
text, by a line break, where it has none; then columns without a text are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from evenly.tokenize.texts import join_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenly.tokenize.template import Template
    from evenly.tokenize.vocabulary import Vocabulary

__all__ = ["Join", "Layout", "choose_layout"]

Join = Literal["separator", "columns"]


@dataclass(frozen=True)
class Layout:
    """The columns of ids of a shard.

    Attributes
    ----------
    fields
        The names of the columns of ids, and the text columns that each is made of.
    template
        The special ids around and between texts.
    text_separator
        Joins texts before they are encoded; None: ids are joined.
    """

    fields: tuple[tuple[str, tuple[str, ...]], ...]
    template: Template
    text_separator: str | None = None

    @property
    def token_types(self) -> dict[str, list[int]] | None:
        """What `token_types.token_type_ids` needs; None where a model is not told which text an id is of."""
        typed = self.template.typed and self.template.between is not None and len(self.fields[0][1]) > 1
        return {"separator": list(self.template.between or ())} if typed else None

    def texts(self, batch: pa.RecordBatch, columns: Sequence[str]) -> list[pa.StringArray]:
        """Return what is encoded for one field."""
        if self.text_separator is not None:
            return [join_columns(batch, columns, self.text_separator)]
        return [pc.fill_null(batch.column(name).cast(pa.string()), "") for name in columns]


def choose_layout(vocabulary: Vocabulary, columns: Sequence[str], *, join: Join, separator: str) -> Layout:
    """Return how the text columns are laid out.

    Parameters
    ----------
    vocabulary
        Of the tokenizer.
    columns
        The text columns.
    join
        ``separator``: one list of ids a row, ``input_ids``; ``columns``: one a column, ``input_ids_<column>``.
    separator
        The tokenizer's separator token, or what joins texts where it has none.
    """
    template = vocabulary.template
    if join == "columns" and len(columns) > 1:
        return Layout(tuple((f"input_ids_{name}", (name,)) for name in columns), template)
    fields = (("input_ids", tuple(columns)),)
    if len(columns) == 1 or template.between is not None:
        return Layout(fields, template)
    if separator in vocabulary.special:
        return Layout(fields, replace(template, between=(vocabulary.token_to_id[separator],)))
    return Layout(fields, template, separator)
