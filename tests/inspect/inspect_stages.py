"""Tables for the checks to look at, the checks of them, and texts that are hard to fold."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from evenly.formats import LABELS_TYPE, read_checks
from evenly.inspect import CHECKS
from evenly.store import Stage, Store

# Case, ligatures, full width, white space of all kinds, marks that join, reorder or stand alone, Hangul letters
# and syllables, scripts without spaces, emoji, characters outside the basic plane.
HARD = (
    "aAbB1_. ,'\t\n\x1c\x85\xa0\u3000\u2028ßẞİ\u0131\u017fΣςσéÉe\u0301\u0323\u0345ﬁ①\uff41\uff21½ǅ"
    "\u1100\u1161\u11a8가각ﷺक\u093fก\u0e34東京かナ😀\ufe0f\u200d\U0001d538\U00010400"
)
texts = st.one_of(st.text(HARD, max_size=40), st.text(max_size=20), st.text("ab \n", max_size=80))


def _write_table(work, *, text, labels, names, group, given, part_rows):
    columns = {"row": pa.array(range(len(labels)), pa.int64())}
    columns |= {name: pa.array(values, pa.string()) for name, values in text.items()}
    columns["labels"] = pa.array([sorted(names.index(name) for name in held) for held in labels], LABELS_TYPE)
    columns |= {"group": pa.array(group, pa.string())} if group else {}
    columns |= {"given_split": pa.array(given, pa.string())} if given else {}
    table = pa.table(columns)
    for number, start in enumerate(range(0, len(labels), part_rows)):
        pq.write_table(table.slice(start, part_rows), work.out / f"part-{number:05d}.parquet")
    pq.write_table(pa.table({"id": range(len(names)), "name": names}), work.out / "labels.parquet")
    work.record(rows=len(labels), task="multilabel", text_columns=list(text))


TABLE = Stage("table", 1, _write_table)


class Checked:
    """The checks of a table: `rows` (see `RowChecks`), `found` (entries of checks.json by name), `facts`, `notes`."""

    def __init__(self, artifact):
        self.artifact = artifact
        self.rows = read_checks(artifact.path)
        entries = json.loads((artifact.path / "checks.json").read_text(encoding="utf-8"))
        self.names = [entry["name"] for entry in entries]
        self.found = {entry["name"]: entry for entry in entries}
        self.facts, self.notes = artifact.facts, artifact.manifest.notes


def check(
    folder,
    text,
    labels=None,
    *,
    group=None,
    given=None,
    near=None,
    on_conflict="keep",
    part_rows=3,
    executor=None,
):
    """Return the checks of a table that is written for it."""
    text = text if isinstance(text, dict) else {"text": text}
    n_rows = len(next(iter(text.values())))
    labels = labels or [["a"]] * n_rows
    names = sorted({name for held in labels for name in held})
    params = {"text": text, "labels": labels, "names": names, "group": group, "given": given, "part_rows": part_rows}
    store = Store(folder)
    table = store.build(TABLE, params=params, inputs={})
    asked = {"near_duplicates": near, "on_conflict": on_conflict}
    return Checked(store.build(CHECKS, params=asked, inputs={"table": table}, executor=executor))
