"""The demo's data: the docstrings of the Python packages installed here, written as a raw CSV table.

Real text that every machine with evenly has, read from the packages' source with `ast`; nothing is imported. The
labels of a docstring are the dotted parts of where it stands (packages, modules, classes): multi-label, with a heavy
tail. Which docstrings are taken is decided by a hash of where they stand, so that a limit gives a fair sample.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import sysconfig
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evenly.errors import DataError, StoreError
from evenly.progress import Advanced, Finished, Started, emit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["DEMO_CONFIG", "prepare_demo", "read_docstrings", "write_demo_table"]

LABEL_DELIMITER = "|"
MIN_CHARACTERS = 40
MIN_ROWS_A_LABEL = 30

DEMO_CONFIG = """\
# The demo: docstrings of the installed Python packages, labelled with the dotted parts of where they stand.
source:
  files: {table}
  text: docstring
  labels:
    columns: labels
    format: delimited
    delimiter: "|"
resample:
  method: mlsmote   # so that every room of the house is walked; off by default
tokenize:
  max_length: 128
train:
  epochs: 12        # enough here; the default lets early stopping decide
store: store
"""


def prepare_demo(folder: Path, rows: int) -> Path:
    """Write the table (where it is not there from an earlier time) and its config; return the config's path."""
    table = folder / f"docstrings-{rows}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_unless_there(table, rows)
        config = folder / f"config-{rows}.yaml"
        config.write_text(DEMO_CONFIG.format(table=table.name), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Cannot write to {folder}: {error.strerror}. Give another place with --folder.") from error
    return config


def _write_unless_there(table: Path, rows: int) -> None:
    started, reused = time.perf_counter(), table.exists()
    if not reused:
        emit(Started("docstrings"))
        write_demo_table(table, rows)
    seconds = time.perf_counter() - started
    emit(Finished("docstrings", str(table), reused=reused, why="", rows=None, seconds=seconds, notes=()))


class Docstring(NamedTuple):
    """A docstring and the dotted name of where it stands."""

    where: str
    text: str


def write_demo_table(path: Path, rows: int) -> int:
    """Write at most `rows` docstrings as CSV with the columns `where`, `docstring` and `labels`; return how many.

    A label is kept where at least `MIN_ROWS_A_LABEL` of the rows hold it; a docstring left without one is left out.

    Raises
    ------
    DataError
        Nothing is installed that has docstrings.
    """
    chosen = sorted(_take(read_docstrings(_site_packages()), rows))
    parts = [_label_parts(docstring.where) for docstring in chosen]
    held = Counter(part for row in parts for part in row)
    kept = [[part for part in row if held[part] >= MIN_ROWS_A_LABEL] for row in parts]
    table = [
        (docstring.where, docstring.text, LABEL_DELIMITER.join(row))
        for docstring, row in zip(chosen, kept, strict=True)
        if row
    ]
    if not table:
        raise DataError("No installed Python package has docstrings to make the demo's table of.")
    temporary = path.with_suffix(".part")
    with temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("where", "docstring", "labels"))
        writer.writerows(table)
    temporary.replace(path)
    return len(table)


def read_docstrings(folders: Iterable[Path]) -> Iterator[Docstring]:
    """Yield the docstrings of all Python files below the folders, file by file in the order of their hashes."""
    files = [(path.relative_to(folder), path) for folder in folders for path in folder.rglob("*.py")]
    for relative, path in sorted(files, key=lambda pair: _hash(pair[0].as_posix())):
        module = ".".join(part for part in relative.with_suffix("").parts if part != "__init__")
        try:
            with warnings.catch_warnings(action="ignore"):  # of other people's escapes in strings
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError, RecursionError):
            continue
        yield from _walk(tree, module)


def _walk(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, where: str) -> Iterator[Docstring]:
    text = (ast.get_docstring(node) or "").encode(errors="replace").decode()  # a source may hold lone surrogates
    if len(text) >= MIN_CHARACTERS:
        yield Docstring(where, text)
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, f"{where}.{child.name}")


def _take(docstrings: Iterator[Docstring], rows: int) -> list[Docstring]:
    taken: list[Docstring] = []
    for docstring in docstrings:
        taken.append(docstring)
        if len(taken) % 1_000 == 0:
            emit(Advanced("docstrings", len(taken), rows, "docstrings"))
        if len(taken) == rows:
            break
    return taken


def _label_parts(where: str) -> list[str]:
    """Return the distinct dotted parts but the last, which names the thing itself."""
    return sorted(set(where.split(".")[:-1]))


def _site_packages() -> list[Path]:
    return sorted({Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
