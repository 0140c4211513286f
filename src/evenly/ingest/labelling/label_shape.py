"""How the labels of a row are written: one name, names joined, a list, a column a label, shares of annotators.

In: the label columns of the first rows and what the config says. Out: a `LabelShape`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evenly.errors import DataError, LabelShapeError
from evenly.ingest.cells import as_text, parse_list, parse_object
from evenly.ingest.labelling.delimiters import find_delimiter
from evenly.ingest.labelling.marks import FLAGS, read_shares, shares_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LabelShape", "find_label_shape", "is_settled"]

_SEVERAL = ("onehot", "fractions")


@dataclass(frozen=True)
class LabelShape:
    """Where the labels stand and how they are written.

    Attributes
    ----------
    columns
        One column, or those of the labels in the order of the label ids.
    format
        ``single``, ``delimited``, ``list``, ``onehot`` or ``fractions``.
    delimiter
        Between names, of ``delimited``; else None.
    threshold
        The share from which on a label is held, of ``fractions``.
    in_cells
        Of ``fractions``: one column whose cells are objects of name and share.
    """

    columns: tuple[str, ...]
    format: str
    delimiter: str | None = None
    threshold: float = 0.5
    in_cells: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that are known by their columns."""
        return self.columns if self.format in _SEVERAL and not self.in_cells else ()

    def describe(self) -> str:
        """Return one phrase for the person."""
        shares = "objects of name and share" if self.in_cells else f"{len(self.columns)} columns of shares"
        words = {
            "single": "one name a cell",
            "delimited": f"names joined by {self.delimiter!r}",
            "list": "lists",
            "onehot": f"{len(self.columns)} columns of 0 and 1",
            "fractions": f"{shares}, held from {self.threshold:g} on",
        }
        return words[self.format]


def is_settled(labels: Mapping[str, Any]) -> bool:
    """Return whether the config alone says how labels are written, whatever the first rows hold."""
    return labels["format"] in {"single", "list", "onehot"} or bool(labels["delimiter"])


def find_label_shape(head: pa.Table, labels: Mapping[str, Any]) -> LabelShape:
    """Return the shape of the labels.

    Parameters
    ----------
    head
        First rows, with the label columns.
    labels
        `columns`, `format`, `delimiter` and `threshold` of the config.

    Raises
    ------
    LabelShapeError
        They have none of the shapes, or not the one that the config names.
    """
    columns, format_, delimiter = tuple(labels["columns"]), labels["format"], labels["delimiter"]
    if format_ == "auto":
        format_ = "delimited" if delimiter else _find_format(head, columns)
    if len(columns) > 1 and format_ not in _SEVERAL:
        raise LabelShapeError(
            f"labels.format is {format_!r}, which takes one column, and labels.columns names {len(columns)}: "
            f"{', '.join(map(repr, columns))}. Name one of them, or use format: onehot with columns of 0 and 1, or "
            f"format: fractions with columns of shares."
        )
    for name in columns:
        _refuse_other_types(head.schema.field(name), format_, n_columns=len(columns))
    if format_ == "fractions":
        in_cells = len(columns) == 1 and _has_objects(head, columns[0])
        return LabelShape(columns, format_, threshold=labels["threshold"], in_cells=in_cells)
    if format_ != "delimited":
        return LabelShape(columns, format_)
    delimiter = delimiter or find_delimiter(_filled(head, columns[0]))
    if delimiter is None:
        raise LabelShapeError(
            f"labels.format is 'delimited', but no delimiter among | ; , joins names that come again in column "
            f"{columns[0]!r}. Set labels.delimiter, or use format: single."
        )
    return LabelShape(columns, "delimited", delimiter)


def _refuse_other_types(field: pa.Field, format_: str, *, n_columns: int) -> None:
    """Raise where an Arrow column has a type that labels of this format cannot have."""
    element = field.type.value_type if _is_list(field.type) else field.type
    named = pa.types.is_struct(element) and _is_list(field.type) and element.get_field_index("name") >= 0
    shares = format_ == "fractions" and n_columns == 1 and _is_mapping(field.type)
    if (pa.types.is_nested(element) or pa.types.is_binary(element)) and not (named or shares):
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


def _is_mapping(type_: pa.DataType) -> bool:
    return bool(pa.types.is_struct(type_) or pa.types.is_map(type_))


def _find_format(head: pa.Table, columns: Sequence[str]) -> str:
    if len(columns) > 1:
        return _find_marks(head, columns)
    column = head[columns[0]]
    if _is_mapping(column.type):
        objects = [dict(value) for value in column.to_pylist() if value is not None]
        return "fractions" if _are_shares(objects) else "list"
    if pa.types.is_nested(column.type):
        return "list"
    cells = _filled(head, columns[0])
    if cells and all(parse_list(cell) is not None for cell in cells):
        return "list"
    if _are_shares([parse_object(cell) for cell in cells]):
        return "fractions"
    return "delimited" if find_delimiter(cells) else "single"


def _are_shares(objects: Sequence[Mapping[Any, Any] | None]) -> bool:
    held = [None if value is None else shares_in(value, 0.0) for value in objects]
    return any(held) and None not in held


def _has_objects(head: pa.Table, column: str) -> bool:
    return _is_mapping(head[column].type) or any(cell.startswith("{") for cell in _filled(head, column))


def _find_marks(head: pa.Table, columns: Sequence[str]) -> str:
    """Return ``onehot`` or ``fractions`` where every column holds nothing else."""
    if all(cell.lower() in FLAGS for name in columns for cell in _filled(head, name)):
        return "onehot"
    for name in columns:
        strange = np.flatnonzero(read_shares(head[name], name, 0.0).strange)
        if len(strange):
            raise LabelShapeError(
                f"Several label columns must all hold 0 and 1 (or true and false), or shares between 0 and 1, and "
                f"column {name!r} holds {str(head[name][int(strange[0])])!r}. Name one column, or make them 0 and 1."
            )
    return "fractions"


def _filled(head: pa.Table, column: str) -> list[str]:
    """Return the trimmed cells of a column that are not blank."""
    try:
        cells = as_text(head[column], column).to_pylist()
    except DataError as error:
        raise LabelShapeError(f"Labels cannot be read: {error}") from error
    return [cell.strip() for cell in cells if cell and cell.strip()]
