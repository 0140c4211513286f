"""Broken and odd files by the thousand: ``python tests/ingest/fuzz_ingest.py --cases 10000``.

Every case is a file made from a seed: random bytes, a well-formed table in a random dialect and encoding, or such a
table with bytes flipped, cut, inserted and spliced. It must end in a table whose kept and rejected rows are the rows
read, and those of an independent count where there is one (Python's csv and json modules for well-formed files, the
strict reader from end to end for broken ones), or in an error of evenly's own. What does not is printed with the
number of its case.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq

from evenly.config import SourceConfig
from evenly.errors import EvenlyError
from evenly.executor import InProcess
from evenly.formats import list_parts
from evenly.ingest import TABLE
from evenly.ingest.delimited import csv_reader
from evenly.ingest.delimited.dialect import Dialect
from evenly.ingest.delimited.line_ends import open_with_feeds
from evenly.ingest.delimited.strict_rows import StrictRows
from evenly.ingest.encodings import open_utf8
from evenly.ingest.files import find_raw_file
from evenly.ingest.reading import TextFormat
from evenly.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    Rows = list[tuple[str, str]]

CASE_LIMIT_S = 20
NOT_PARAMETERS = {"files", "storage_options", "dataset", "revision", "database", "query"}
WORDS = [
    "the",
    "a",
    "film",
    "naïve",
    "日本語",
    "😀",
    "don't",
    "C:\\dir\\",
    "",
    "x" * 300,
    "&amp;",
    "١٢",
    "e\u0301",
    "\ufeff",
]
ODD = [
    '"',
    '""',
    "'",
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\\",
    '\\"',
    "\u2028",
    "\x85",
    "\x1c",
    "{",
    "}",
    "[]",
]
INSERTED = [
    *(mark.encode() for mark in ODD),
    b"\xff",
    b"\xe9",
    b"\xe2\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b'","',
    b'"\n"',
]
LABELS = ["pos", "neg", "neutral", "a b", "7"]


@dataclass
class Case:
    """A file, how it is read, and what must come of it where that is known."""

    name: str
    content: bytes
    settings: dict[str, Any] = field(default_factory=dict)
    rows: Rows | None = None
    stretch_bytes: int = 0  # by the compiled loop, in stretches of that size; 0: as the reader chooses


class HangError(Exception):
    """A case took longer than it may."""


def make_case(seed: int) -> Case:
    """Return the case of a seed."""
    rng = np.random.default_rng([20, seed])
    case = _any_case(rng)
    return replace(case, stretch_bytes=int(rng.choice([0, 30, 1_000, 1 << 20])))


def _any_case(rng: np.random.Generator) -> Case:
    kind = rng.integers(10)
    if kind == 0:
        name = str(rng.choice(["t.csv", "t.tsv", "t.jsonl", "t.json", "t.txt", "t.csv.gz"]))
        return Case(name, b"text,label\n" * int(rng.integers(2)) + rng.bytes(int(rng.integers(400))))
    case = _jsonl_case(rng) if kind <= 2 else _csv_case(rng)
    if kind >= 6:
        case = Case(case.name, _mutate(rng, case.content), case.settings)
    if rng.random() < 0.1:
        packed = gzip.compress(case.content)
        cut = packed[: int(rng.integers(len(packed)))] if rng.random() < 0.3 else packed
        case = Case(f"{case.name}.gz", cut, case.settings, case.rows if cut is packed else None)
    return case


def _texts(rng: np.random.Generator, n_rows: int) -> Iterator[str]:
    """Yield texts, some of them with characters that mean something to a reader."""
    odd = rng.random() < 0.6
    for _ in range(n_rows):
        words = [str(word) for word in rng.choice(WORDS, int(rng.integers(1, 9)))]
        if odd and rng.random() < 0.4:
            words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(ODD)))
        yield (" " if rng.random() < 0.8 else "").join(words)


def _rows(rng: np.random.Generator) -> Rows:
    n_rows = int(rng.integers(1, 60)) if rng.random() < 0.95 else int(rng.integers(1_000, 6_000))
    return [(text, str(rng.choice(LABELS))) for text in _texts(rng, n_rows)]


def _csv_case(rng: np.random.Generator) -> Case:
    """Return a table as Python's csv module writes it; half of the time the reader is told how."""
    rows, buffer = _rows(rng), io.StringIO(newline="")
    delimiter, quote = str(rng.choice([",", "\t", ";", "|", "~", "\x01", "¦"])), str(rng.choice(['"', '"', '"', "'"]))
    end, header = str(rng.choice(["\n", "\n", "\r\n"])), bool(rng.random() < 0.8)
    quoting = csv.QUOTE_ALL if rng.random() < 0.5 else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=delimiter, quotechar=quote, lineterminator=end, quoting=quoting)
    writer.writerows([*([("text", "label")] if header else []), *rows])
    encoding = str(rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]))
    if not header and rows[0][0].startswith("\ufeff"):
        encoding = "utf-8-sig"  # the text begins as a mark does: only with a mark before it can they be told apart
    given: dict[str, Any] = {"delimiter": delimiter, "quote": quote, "header": header, "encoding": encoding}
    if not header:
        given |= {"text": "column0", "labels": {"columns": "column1"}}
    told = rng.random() < 0.6
    if not told:
        given = {key: value for key, value in given.items() if key in {"text", "labels"}}
    return Case("t.csv", buffer.getvalue().encode(encoding), given, rows if told else None)


def _jsonl_case(rng: np.random.Generator) -> Case:
    rows, ascii_ = _rows(rng), bool(rng.random() < 0.5)
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=ascii_) for text, label in rows]
    end = str(rng.choice(["\n", "\r\n", "\n\n"]))
    return Case("t.jsonl", "".join(line + end for line in lines).encode(), {}, rows)


def _mutate(rng: np.random.Generator, content: bytes) -> bytes:
    """Return the content with a few bytes flipped, cut out, inserted or moved."""
    for _ in range(int(rng.integers(1, 8))):
        at, to = sorted(rng.integers(0, len(content) + 1, 2).tolist())
        inserted = INSERTED[int(rng.integers(len(INSERTED)))]
        change = rng.integers(6)
        if change == 0 and content:
            at = min(at, len(content) - 1)
            content = content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
        elif change == 1:
            content = content[:at] + content[min(to, at + 20) :]
        elif change == 2:
            content = content[at:to] + content[:at] + content[to:]
        elif change == 3 and rng.random() < 0.3:
            content = content[:to]
        else:
            content = content[:at] + inserted * int(rng.integers(1, 3)) + content[at:]
    return content


def run_case(case: Case, folder: Path) -> str:
    """Return how a case ends, in a word.

    Raises
    ------
    AssertionError
        A count is wrong.
    """
    path = folder / case.name
    path.write_bytes(case.content)
    given = {"files": [str(path)], "text": "text", "labels": {"columns": "label"}} | case.settings
    given["labels"] = {"format": "single", "unlabelled": "reject"} | given["labels"]
    config = SourceConfig.model_validate(given)
    known = set(TABLE.function.__kwdefaults__ or {}) | set(TABLE.function.__annotations__)
    params = {key: value for key, value in config.model_dump(mode="json").items() if key in known - {"files"}}
    work = Workspace(folder / "out", stage="table", executor=InProcess())
    try:
        with _reading_in(case.stretch_bytes):
            TABLE.function(work, files=(path,), **params)
    except EvenlyError as error:
        _check_error(case, str(error))
        return type(error).__name__
    _check_counts(case, work, config, path)
    return "a table with rejects" if work.facts["rows_rejected"] else "a table"


@contextmanager
def _reading_in(stretch_bytes: int) -> Iterator[None]:
    """Have even the smallest file read by the loop for large ones."""
    if not stretch_bytes:
        yield
        return
    with patch.multiple(csv_reader, _COMPILED_BYTES=0, _choose_stretch_bytes=lambda _: stretch_bytes):
        yield


def _check_error(case: Case, message: str) -> None:
    """Refuse an error where the rows are known and fit for a table."""
    fit = [label for text, label in case.rows or [] if text.strip()]
    assert len(set(fit)) < 2 or case.name.endswith(".jsonl"), f"a good file was refused: {message}"
    assert message.strip(), "an error without a message"


def _check_counts(case: Case, work: Workspace, config: SourceConfig, path: Path) -> None:
    facts = work.facts
    kept = [text for part in list_parts(work.out) for text in pq.read_table(part)[facts["text_columns"][0]].to_pylist()]
    n_rejects = pq.read_metadata(work.out / "rejects.parquet").num_rows
    assert facts["rows_read"] == facts["rows_kept"] + facts["rows_rejected"]
    assert (len(kept), n_rejects) == (facts["rows_kept"], facts["rows_rejected"])
    assert len(facts["dialects"]) == 1
    if case.rows is not None:
        assert facts["rows_read"] == len(case.rows)
        assert kept == [text for text, _ in case.rows if text.strip()]
    elif facts["dialects"][0]["format"] == "csv":
        assert facts["rows_read"] == _count_strictly(config, facts["dialects"][0], path)


def _count_strictly(config: SourceConfig, found: dict[str, Any], path: Path) -> int:
    """Return how many records the strict reader finds, from the first line to the last."""
    with tempfile.TemporaryDirectory() as room:
        raw, given = find_raw_file(path), TextFormat(config.encoding, config.on_bad_bytes)
        plain, _ = open_with_feeds(open_utf8(raw, Path(room), given).path, Path(room), quote=found["quote"])
        dialect = Dialect(found["delimiter"], found["quote"], found["header"], (), found.get("escape", ""))
        with plain.open("rb") as source:
            source.seek(3 * (source.read(3) == b"\xef\xbb\xbf"))
            n_records = sum(1 for _ in StrictRows(source, dialect).read(sys.maxsize))
    return n_records - found["header"]


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise HangError(f"more than {CASE_LIMIT_S} s")


def fuzz(cases: Sequence[int], limit_s: float = float("inf")) -> tuple[Counter[str], list[str]]:
    """Return how often each outcome was seen, and the failures in words, stopping after `limit_s`."""
    outcomes, failures, started = Counter[str](), [], time.monotonic()
    signal.signal(signal.SIGALRM, _stop)
    for number in cases:
        if time.monotonic() - started > limit_s:
            break
        signal.alarm(CASE_LIMIT_S)
        with tempfile.TemporaryDirectory(prefix="evenly-fuzz-") as folder:
            try:
                outcomes[run_case(make_case(number), Path(folder))] += 1
            except Exception:  # noqa: BLE001 - whatever it is, it is what this looks for
                failures.append(f"case {number}:\n{traceback.format_exc(limit=-4)}")
            finally:
                signal.alarm(0)
    return outcomes, failures


def main() -> None:
    """Run the cases that the command line asks for; exit 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    given = parser.parse_args()
    outcomes, failures = fuzz(range(given.first, given.first + given.cases))
    seen = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    sys.stdout.write("\n".join([*failures[:20], f"{seen}; {len(failures)} failures\n"]))
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
