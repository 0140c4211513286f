"""How the labels of a row are written: one name, names joined, a list, or a column a label.

In: the label columns of the first rows and what the config says. Out: a `LabelShape`. Names count as joined by a
delimiter when their parts come again in other rows and there are fewer distinct parts than distinct cells: so
"Drama, Crime" among many such cells is two labels, and "Portland, Oregon" among forty cities is one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.errors import DataError, LabelShapeError
from evenly.ingest.cells import as_text, parse_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["FLAGS", "LabelShape", "find_delimiter", "find_label_shape"]

FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_DELIMITERS = ("|", ";", ",")
_LEAST_JOINED = 0.005
_LEAST_RECURRING = 0.8
_CELLS_LOOKED_AT = 5_000


@dataclass(frozen=True)
class LabelShape:
    """Where the labels stand and how they are written.

    Attributes
    ----------
    columns
        One column, or the one-hot columns in the order of the label ids.
    format
        ``single``, ``delimited``, ``list`` or ``onehot``.
    delimiter
        Between names, of ``delimited``; else None.
    """

    columns: tuple[str, ...]
    format: str
    delimiter: str | None = None

    def describe(self) -> str:
        """Return one phrase for the person."""
        words = {
            "single": "one name a cell",
            "delimited": f"names joined by {self.delimiter!r}",
            "list": "lists",
            "onehot": f"{len(self.columns)} columns of 0 and 1",
        }
        return words[self.format]


def find_label_shape(head: pa.Table, labels: Mapping[str, Any]) -> LabelShape:
    """Return the shape of the labels.

    Parameters
    ----------
    head
        First rows, with the label columns.
    labels
        `columns`, `format` and `delimiter` of the config.

    Raises
    ------
    LabelShapeError
        They have none of the shapes, or not the one that the config names.
    """
    columns, format_, delimiter = tuple(labels["columns"]), labels["format"], labels["delimiter"]
    if format_ == "auto":
        format_ = "delimited" if delimiter else _find_format(head, columns)
    if len(columns) > 1 and format_ != "onehot":
        raise LabelShapeError(
            f"labels.format is {format_!r}, which takes one column, and labels.columns names {len(columns)}: "
            f"{', '.join(map(repr, columns))}. Name one of them, or use format: onehot with columns of 0 and 1."
        )
    for name in columns:
        _refuse_other_types(head.schema.field(name), format_)
    if format_ != "delimited":
        return LabelShape(columns, format_)
    delimiter = delimiter or find_delimiter(_filled(head, columns[0]))
    if delimiter is None:
        raise LabelShapeError(
            f"labels.format is 'delimited', but no delimiter among | ; , joins names that come again in column "
            f"{columns[0]!r}. Set labels.delimiter, or use format: single."
        )
    return LabelShape(columns, "delimited", delimiter)


def _refuse_other_types(field: pa.Field, format_: str) -> None:
    """Raise where an Arrow column has a type that labels of this format cannot have."""
    element = field.type.value_type if _is_list(field.type) else field.type
    if pa.types.is_nested(element) or pa.types.is_binary(element):
        raise LabelShapeError(
            f"Label column {field.name!r} holds {field.type}; expected names, numbers, or lists of them. "
            f"Name another column under labels.columns, or convert it."
        )
    if _is_list(field.type) and format_ != "list":
        raise LabelShapeError(
            f"labels.format is {format_!r}, but column {field.name!r} holds {field.type}. Use format: list or auto."
        )


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _find_format(head: pa.Table, columns: Sequence[str]) -> str:
    if len(columns) > 1:
        _refuse_other_than_flags(head, columns)
        return "onehot"
    if pa.types.is_nested(head.schema.field(columns[0]).type):
        return "list"
    cells = _filled(head, columns[0])
    if cells and all(parse_list(cell) is not None for cell in cells):
        return "list"
    return "delimited" if find_delimiter(cells) else "single"


def _refuse_other_than_flags(head: pa.Table, columns: Sequence[str]) -> None:
    for name in columns:
        strange = [cell for cell in _filled(head, name) if cell.lower() not in FLAGS]
        if strange:
            raise LabelShapeError(
                f"Several label columns must hold 0 and 1 (or true and false), and column {name!r} holds "
                f"{strange[0]!r}. Name one column, or make them 0 and 1."
            )


def _filled(head: pa.Table, column: str) -> list[str]:
    """Return the trimmed cells of a column that are not blank."""
    try:
        cells = as_text(head[column], column).to_pylist()
    except DataError as error:
        raise LabelShapeError(f"Labels cannot be read: {error}") from error
    return [cell.strip() for cell in cells if cell and cell.strip()]


def find_delimiter(cells: Iterable[str]) -> str | None:
    """Return what joins several names in a cell, or None where a cell is one name."""
    counts = Counter(islice(cells, _CELLS_LOOKED_AT))
    scores = {delimiter: _recurring(counts, delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best] < _LEAST_RECURRING:
        return None
    joined = [cell for cell in counts if best in cell]
    return f"{best} " if all(cell.count(best) == cell.count(f"{best} ") for cell in joined) else best


def _recurring(counts: Counter[str], delimiter: str) -> float:
    """Return which share of the parts of joined cells is also in other cells; 0 where they join no names."""
    joined = [cell for cell in counts if delimiter in cell]
    if sum(counts[cell] for cell in joined) < max(2, _LEAST_JOINED * counts.total()):
        return 0.0
    parts: Counter[str] = Counter()
    for cell in counts:
        parts.update({part.strip() for part in cell.split(delimiter)})
    if len(parts) >= len(counts):
        return 0.0
    within = [part.strip() for cell in joined for part in cell.split(delimiter)]
    return sum(parts[part] > 1 for part in within) / len(within)
