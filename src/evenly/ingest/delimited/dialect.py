"""How a CSV file is written: delimiter, quote, escape, header.

In: the first bytes of the file and what the person has said. Out: a `Dialect`. Every candidate (delimiter, with
and without quotes) is tried on the sample with Python's csv module; the one under which the rows are equally wide
wins, and among equals the one with more columns.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenly.errors import ConfigError, DataError
from evenly.ingest.delimited.header import fit_header, has_header, name_columns
from evenly.ingest.delimited.quoting import Quoting, likely_quotings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["SAMPLE_CHARACTERS", "Dialect", "Sample", "find_dialect", "read_records"]

SAMPLE_CHARACTERS = 1 << 19
_DELIMITERS = ("\t", "|", ";", ",")  # the rarer in prose, the surer where two fit alike
_SHORT_CHARACTERS = 1 << 15
_SHORT_MARGIN = 0.2
_LEAST_CONSISTENCY = 0.5
_LONGEST_FIELD = 1 << 30


@dataclass(frozen=True)
class Dialect:
    r"""How the rows of a file are written.

    Attributes
    ----------
    delimiter
        One character.
    quote
        ``'"'`` or another character, or ``''`` where quotes are part of the text.
    header
        Whether the first row has names.
    columns
        The names; column0, column1, ... where there is no header.
    escape
        ``'\'`` where a quote within quotes has that before it, ``''`` where it is doubled.
    """

    delimiter: str
    quote: str
    header: bool
    columns: tuple[str, ...]
    escape: str = ""

    @property
    def quoting(self) -> Quoting:
        """The quote and the escape."""
        return Quoting(self.quote, self.escape)

    @property
    def plain(self) -> bool:
        """Whether one byte stands for each mark, and quotes are doubled: what RFC 4180 knows."""
        return self.delimiter.isascii() and self.quote.isascii() and not self.escape

    def describe(self) -> str:
        """Return one phrase for the person."""
        delimiter = {"\t": "tab"}.get(self.delimiter, repr(self.delimiter))
        quote = f"quote {self.quote}" if self.quote else "no quotes"
        escape = f", escape {self.escape}" if self.escape else ""
        return f"delimiter {delimiter}, {quote}{escape}, {'a header' if self.header else 'no header'}"


@dataclass(frozen=True)
class Sample:
    """The beginning of a text file: its name, its text, and whether that is the whole file."""

    name: str
    text: str
    complete: bool

    def start(self, n_characters: int) -> Sample:
        """Return a shorter beginning of the same file."""
        return Sample(self.name, self.text[:n_characters], self.complete and len(self.text) <= n_characters)


@dataclass(frozen=True)
class _Fit:
    delimiter: str
    quoting: Quoting
    width: int
    consistency: float

    @property
    def score(self) -> float:
        return self.consistency * (1 - 1 / (2 * self.width))


def find_dialect(
    sample: Sample,
    *,
    delimiter: str | None = None,
    quote: str | None = None,
    header: bool | None = None,
    wanted: Sequence[str] = (),
) -> Dialect:
    """Return the dialect of a sample.

    Parameters
    ----------
    sample
        The beginning of the file.
    delimiter, quote, header
        What is known; None: found by looking.
    wanted
        Column names that the config asks for: a first row that has them all is a header.

    Raises
    ------
    ConfigError
        Delimiter and quote are the same, or one of them ends lines.
    DataError
        No delimiter makes a table of it.
    """
    _refuse_marks(delimiter, quote)
    if not sample.complete and not any(end in sample.text for end in "\r\n"):
        raise DataError(
            f"{sample.name}: its first line goes on for more than {len(sample.text):,} characters, so that its columns "
            f"are not known. Check that it is a table; what has more columns is better given as parquet."
        )
    candidates = [delimiter] if delimiter else _naming(sample, wanted) or _shortlist(sample, quote)
    fits = [_fit_best(sample, candidate, quote) for candidate in candidates]
    best = max(fits, key=lambda fit: fit.score, default=None)
    if best is None or (delimiter is None and (best.width == 1 or best.consistency < _LEAST_CONSISTENCY)):
        raise DataError(
            f"{sample.name}: no delimiter among comma, tab, semicolon and bar divides its rows into equally many "
            f"columns. Set source.delimiter, or check that the file is a table."
        )
    records = read_records(sample, best.delimiter, best.quoting)
    first = next(records, [])
    rows = [record for record in records if len(record) == best.width]
    first = fit_header(first, rows, best.width)
    named = has_header([first, *rows], wanted) if header is None else header
    columns = name_columns(first, named=named)
    return Dialect(best.delimiter, best.quoting.quote, named, columns, best.quoting.escape)


def _refuse_marks(delimiter: str | None, quote: str | None) -> None:
    wrong = {"\r", "\n"} & {delimiter, quote}
    if wrong or (delimiter is not None and delimiter == quote):
        raise ConfigError(
            f"source.delimiter is {delimiter!r} and source.quote {quote!r}; they must differ, and neither may be a "
            f"line end."
        )


def _naming(sample: Sample, wanted: Sequence[str]) -> list[str]:
    """Return the delimiters that give the first row all wanted names: what joins labels may divide rows, too."""
    start = sample.start(_SHORT_CHARACTERS)
    firsts = {each: next(read_records(start, each, Quoting('"')), []) for each in _DELIMITERS if wanted}
    return [each for each, first in firsts.items() if len(first) > 1 and {*wanted} <= {*first}]


def _shortlist(sample: Sample, quote: str | None) -> list[str]:
    """Return the delimiters that may be it, by a short beginning of the sample."""
    start = sample.start(_SHORT_CHARACTERS)
    quotings = [Quoting('"'), Quoting("")] if quote is None else [Quoting(quote)]
    scores = {
        delimiter: max(_fit(start, delimiter, quoting).score for quoting in quotings)
        for delimiter in _DELIMITERS
        if delimiter in start.text and delimiter != quote
    }
    return [delimiter for delimiter, score in scores.items() if score > max(scores.values()) - _SHORT_MARGIN]


def read_records(sample: Sample, delimiter: str, quoting: Quoting) -> Iterator[list[str]]:
    """Yield the rows of a sample, without blank lines and, unless it is the only one, a last one that may be cut."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(
        _lines(sample.text),
        delimiter=delimiter,
        quotechar=quoting.quote or None,
        escapechar=quoting.escape or None,
        quoting=csv.QUOTE_MINIMAL if quoting.quote else csv.QUOTE_NONE,
    )
    records, alone = filter(None, reader), True
    if (held := next(records, None)) is None:
        return
    for record in records:
        yield held
        held, alone = record, False
    if sample.complete or alone:
        yield held


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends; a stream would hold four bytes for every character of it."""
    if "\r" in text:
        yield from io.StringIO(text, newline="")
        return
    *ended, last = text.split("\n")
    yield from (line + "\n" for line in ended)
    if last:
        yield last


def _fit_best(sample: Sample, delimiter: str, quote: str | None) -> _Fit:
    """Return the fit with quotes, or that without them where the rows are as wide and as equal."""
    *others, best = (_fit(sample, delimiter, quoting) for quoting in likely_quotings(sample.text, delimiter, quote))
    for fit in others:
        if fit.width == best.width and fit.consistency >= best.consistency:
            best = fit
    return best


def _fit(sample: Sample, delimiter: str, quoting: Quoting) -> _Fit:
    widths = Counter(len(record) for record in read_records(sample, delimiter, quoting))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return _Fit(delimiter, quoting, width, count / max(widths.total(), 1))
