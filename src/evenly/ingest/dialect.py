"""How a CSV file is written: delimiter, quote, header.

In: the first bytes of the file and what the person has said. Out: a `Dialect`. Every candidate (delimiter, with
and without quotes) is tried on the sample with Python's csv module; the one under which the rows are equally wide
wins, and among equals the one with more columns. Quotes count as quotes unless the file holds together without
them and some are plainly part of the text, as in tab-separated files that never quote.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from evenly.errors import DataError
from evenly.ingest.header import has_header, name_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SAMPLE_BYTES", "Dialect", "Sample", "find_dialect", "read_records"]

SAMPLE_BYTES = 1 << 19
_DELIMITERS = ("\t", "|", ";", ",")  # the rarer in prose, the surer where two fit alike
_SHORT_CHARACTERS = 1 << 15
_SHORT_MARGIN = 0.2
_LEAST_CONSISTENCY = 0.5
_MOST_MALFORMED = 0.05
_LONGEST_FIELD = 1 << 30


@dataclass(frozen=True)
class Dialect:
    """How the rows of a file are written.

    Attributes
    ----------
    delimiter
        One character.
    quote
        ``'"'``, or ``''`` where quotes are part of the text.
    header
        Whether the first row has names.
    columns
        The names; column0, column1, ... where there is no header.
    """

    delimiter: str
    quote: str
    header: bool
    columns: tuple[str, ...]

    def describe(self) -> str:
        """Return one phrase for the person."""
        delimiter = {"\t": "tab"}.get(self.delimiter, repr(self.delimiter))
        quote = f"quote {self.quote}" if self.quote else "no quotes"
        return f"delimiter {delimiter}, {quote}, {'a header' if self.header else 'no header'}"


@dataclass(frozen=True)
class Sample:
    """The beginning of a text file: its name, its text, and whether that is the whole file."""

    name: str
    text: str
    complete: bool

    @classmethod
    def decode(cls, name: str, head: bytes, *, complete: bool) -> Sample:
        """Return the sample of UTF-8 bytes; invalid ones become lone surrogates."""
        return cls(name, head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"), complete)


@dataclass(frozen=True)
class _Fit:
    delimiter: str
    quote: str
    width: int
    consistency: float

    @property
    def score(self) -> float:
        return self.consistency * (1 - 1 / (2 * self.width))


def find_dialect(
    sample: Sample,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    wanted: Sequence[str] = (),
) -> Dialect:
    """Return the dialect of a sample.

    Parameters
    ----------
    sample
        The beginning of the file.
    delimiter, header
        What is known; None: found by looking.
    wanted
        Column names that the config asks for: a first row that has them all is a header.

    Raises
    ------
    DataError
        No delimiter makes a table of it.
    """
    candidates = [delimiter] if delimiter else _shortlist(sample)
    fits = [_choose_quote(sample, candidate) for candidate in candidates]
    best = max(fits, key=lambda fit: fit.score, default=None)
    if best is None or (delimiter is None and (best.width == 1 or best.consistency < _LEAST_CONSISTENCY)):
        raise DataError(
            f"{sample.name}: no delimiter among comma, tab, semicolon and bar divides its rows into equally many "
            f"columns. Set source.delimiter, or check that the file is a table."
        )
    records = [record for record in read_records(sample, best.delimiter, best.quote) if len(record) == best.width]
    named = has_header(records, wanted) if header is None else header
    return Dialect(best.delimiter, best.quote, named, name_columns(records[0] if records else [], named=named))


def _shortlist(sample: Sample) -> list[str]:
    """Return the delimiters that may be it, by a short beginning of the sample."""
    start = Sample(sample.name, sample.text[:_SHORT_CHARACTERS], len(sample.text) <= _SHORT_CHARACTERS)
    scores = {
        delimiter: max(_fit(start, delimiter, '"').score, _fit(start, delimiter, "").score)
        for delimiter in _DELIMITERS
        if delimiter in start.text
    }
    return [delimiter for delimiter, score in scores.items() if score > max(scores.values()) - _SHORT_MARGIN]


def read_records(sample: Sample, delimiter: str, quote: str, limit: int | None = None) -> list[list[str]]:
    """Return the rows of a sample, without blank lines and without a last one that may be cut."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(
        io.StringIO(sample.text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    records = [record for record in islice(reader, limit) if record]
    cut = not sample.complete and limit is None and len(records) > 1
    return records[:-1] if cut else records


def _choose_quote(sample: Sample, delimiter: str) -> _Fit:
    bare = _fit(sample, delimiter, "")
    if '"' not in sample.text:
        return _Fit(delimiter, "" if delimiter == "\t" else '"', bare.width, bare.consistency)
    quoted = _fit(sample, delimiter, '"')
    needless = bare.consistency >= quoted.consistency and bare.width == quoted.width
    return bare if needless and _malformed_share(sample.text, delimiter) > _MOST_MALFORMED else quoted


def _fit(sample: Sample, delimiter: str, quote: str) -> _Fit:
    widths = Counter(len(record) for record in read_records(sample, delimiter, quote))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return _Fit(delimiter, quote, width, count / widths.total())


def _malformed_share(text: str, delimiter: str) -> float:
    """Return the share of fields that open with a quote and do not close with one, in [0, 1]."""
    field = re.escape(delimiter)
    closed = r'"[^"]*+(?:""[^"]*+)*+"(?=' + field + r"|\r|\n|\Z)"
    found = [match[1] for match in re.finditer(f'(?:^|{field})(?:({closed})|")', text, re.MULTILINE)]
    return sum(whole is None for whole in found) / max(len(found), 1)
