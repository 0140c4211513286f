"""Compare evenly's ids with those of `tokenizers`: ``PYTHONPATH=tests python tests/tokenize/fuzz_tokenize.py DATA``.

DATA holds ``tokenizers/``, ``text/`` and ``messy/``. For each tokenizer every text of every table and N strange
strings (``--strings``) are encoded by `evenly.tokenize.encode` with the fast engine that takes the tokenizer, and by
the tokenizer itself with its own truncation; the first differences are printed. Exit code 1 where there is one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from reference_ids import differences, fast_engine
from strange_texts import strange_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 20_000


def main() -> None:
    """Run the comparisons and say how many texts differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--strings", type=int, default=100_000)
    given = parser.parse_args()
    n_different = 0
    for folder in sorted((given.data / "tokenizers").iterdir()):
        sys.stdout.write(f"{folder.name}, by {fast_engine(folder)}\n")
        for name, texts in all_texts(given.data, given.strings):
            blocks = [texts[first : first + BLOCK] for first in range(0, len(texts), BLOCK)]
            found = [line for block in blocks for line in differences(folder, block)]
            n_different += len(found)
            sys.stdout.write("\n".join([f"  {name}: {len(texts):,} texts, {len(found)} differ", *found[:3], ""]))
            sys.stdout.flush()
    raise SystemExit(bool(n_different))


def all_texts(data: Path, n_strings: int) -> Iterator[tuple[str, list[str]]]:
    """Yield every table's texts, each line of the messy files as one, and strange strings."""
    for path in sorted((data / "text").glob("*/data.parquet")):
        kinds = {field.name: str(field.type) for field in pq.read_schema(path)}
        strings = [name for name, kind in kinds.items() if kind in {"string", "large_string"}]
        yield path.parent.name, [text or "" for name in strings for text in pq.read_table(path)[name].to_pylist()]
    for path in sorted((data / "messy").iterdir()):
        yield path.name, path.read_bytes().decode("utf-8", errors="replace").split("\n")
    yield "strange strings", strange_texts(n_strings, 0, endless=100_000)


if __name__ == "__main__":
    main()
