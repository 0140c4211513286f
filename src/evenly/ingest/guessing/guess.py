"""A first config for a table that nobody has described: what `evenly init` writes.

In: a file. Out: a `SourceGuess`: how the file is written, which columns hold text and which labels, each with the
reason for it. Column names count most, then what is in them; the person reads the reasons and corrects them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evenly.errors import DataError
from evenly.ingest.guessing.columns import column_summaries
from evenly.ingest.guessing.guess_labels import guess_labels
from evenly.ingest.guessing.guess_names import GROUP_NAMES, SPLIT_NAMES, split_words
from evenly.ingest.guessing.guess_text import find_entities, guess_text, mostly_equal
from evenly.ingest.head import read_head
from evenly.ingest.rows import SPLIT_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from evenly.ingest.guessing.columns import ColumnSummary
    from evenly.ingest.head import Head

__all__ = ["SourceGuess", "guess_source"]


@dataclass(frozen=True)
class SourceGuess:
    """What a table seems to be; the fields are those of `evenly.config.SourceConfig`.

    Attributes
    ----------
    format, delimiter, header
        How the file is written; delimiter and header are None where they mean nothing.
    text
        Text columns, in the order of the table.
    labels, label_format, label_delimiter
        Label columns and how they are written.
    group, split
        Columns, or None.
    unescape_html
        Whether the texts hold HTML entities.
    reasons
        One line for each field that was guessed, by its name in the config; `columns` are the label columns.
    columns
        What was seen of every column.
    """

    format: str
    delimiter: str | None
    header: bool | None
    text: tuple[str, ...]
    labels: tuple[str, ...]
    label_format: str
    label_delimiter: str | None
    group: str | None
    split: str | None
    unescape_html: bool = False
    reasons: dict[str, str] = field(default_factory=dict)
    columns: tuple[ColumnSummary, ...] = ()

    def settings(self) -> dict[str, Any]:
        """Return the fields of `evenly.config.SourceConfig`, without `files`."""
        labels = {"columns": list(self.labels), "format": self.label_format, "delimiter": self.label_delimiter}
        return {
            "format": self.format,
            "delimiter": self.delimiter,
            "header": self.header,
            "unescape_html": self.unescape_html,
            "text": list(self.text),
            "labels": labels,
            "group": self.group,
            "split": self.split,
        }


def guess_source(path: Path) -> SourceGuess:
    """Look at the first rows of a file and guess what it holds.

    Parameters
    ----------
    path
        CSV, TSV, JSONL or parquet.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    DataError
        It cannot be read, or it does not show which column has the text or the labels.
    """
    head = read_head(path)
    columns = column_summaries(head.table)
    text = guess_text(head.table, columns)
    if text is None:
        raise DataError(_cannot_tell(path.name, "text", columns))
    others = [col for col in columns if not any(mostly_equal(head.table, col.name, name) for name in text.columns)]
    labels = guess_labels(others, n_rows=len(head.table))
    if labels is None:
        raise DataError(_cannot_tell(path.name, "labels", columns))
    split, split_reason = _guess_split(head.table, columns)
    group = _guess_group(columns, taken={*text.columns, *labels.columns})
    html_reason = find_entities(head.table, text.columns)
    reasons = {"text": text.reason, "columns": labels.reason} | _dialect_reasons(head)
    reasons |= {"unescape_html": html_reason} if html_reason else {}
    reasons |= {"split": split_reason} if split_reason else {}
    reasons |= {"group": f"{group} by its name, and values that come again"} if group else {}
    return SourceGuess(
        format=head.raw.format,
        delimiter=head.dialect.delimiter if head.dialect else None,
        header=head.dialect.header if head.dialect else None,
        text=text.columns,
        labels=labels.columns,
        label_format=labels.format,
        label_delimiter=labels.delimiter,
        group=group,
        split=split,
        unescape_html=bool(html_reason),
        reasons=reasons,
        columns=tuple(columns),
    )


def _dialect_reasons(head: Head) -> dict[str, str]:
    found = f"{head.raw.format} by the name {head.raw.name}"
    if head.dialect is None:
        return {"files": found}
    n_columns = len(head.dialect.columns)
    first = "has names" if head.dialect.header else "has values like those below it"
    return {
        "files": f"{found}; {head.dialect.describe()}, {n_columns} columns",
        "header": f"the first row {first}",
    }


def _guess_split(table: pa.Table, columns: Sequence[ColumnSummary]) -> tuple[str | None, str]:
    for column in columns:
        named = column.kind == "text" and split_words(column.name) & SPLIT_NAMES
        if named and column.n_distinct <= len(SPLIT_WORDS):
            values = {str(value).strip().lower() for value in table[column.name].unique().to_pylist()}
            splits = {SPLIT_WORDS.get(value) for value in values}
            if None not in splits and "train" in splits and len(splits) > 1:
                absent = [split for split in ("validation", "test") if split not in splits]
                taken = f"; {absent[0]} is taken from train" if absent else ""
                return column.name, f"says {' or '.join(sorted(values))} in every row{taken}"
            return None, (
                f"{column.name!r} looks like a split, but does not say train and test in every row "
                f"(it says {', '.join(sorted(values)[:5])}): not used"
            )
    return None, ""


def _guess_group(columns: Sequence[ColumnSummary], *, taken: set[str]) -> str | None:
    for column in columns:
        recurring = column.n_distinct > 1 and column.share_distinct < 1
        if column.name.lower() in GROUP_NAMES and column.name not in taken and recurring:
            return column.name
    return None


def _cannot_tell(name: str, what: str, columns: Sequence[ColumnSummary]) -> str:
    seen = "; ".join(column.describe() for column in columns)
    need = {
        "text": "a column with texts of several words that mostly differ",
        "labels": "a column with few values that come again, lists, joined names, or columns of 0 and 1",
    }
    return (
        f"{name}: cannot tell which column has the {what}; looked for {need[what]}. Seen: {seen}. "
        f"Write a config and name it under source.{'text' if what == 'text' else 'labels.columns'}."
    )
