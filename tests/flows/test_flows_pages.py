"""What Prefect's pages show of a run: text of the sources cannot break out of it, and every figure is JSON."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

from evenly.flows.pages import _stages, resampling_rows


def artifact(rows, *notes):
    return SimpleNamespace(manifest=SimpleNamespace(rows=rows, key="0123456789abcdef", notes=notes))


def test_the_summary_has_a_line_a_stage_and_below_it_what_the_stage_has_to_say():
    made = {"table": artifact(12_345, "2 labels", "joined by '|'"), "tokenizer": artifact(None), "split": artifact(3)}

    assert _stages(made, "<b>.csv: prepared").splitlines() == [
        "# &lt;b>.csv: prepared",
        "",
        "| stage | rows | key |",
        "|---|---:|---|",
        "| table | 12,345 | `0123456789abcdef` |",
        "| tokenizer |  | `0123456789abcdef` |",
        "| split | 3 | `0123456789abcdef` |",
        "",
        "* **table**: 2 labels; joined by '\\|'",
    ]


def test_the_counts_before_and_after_begin_with_the_rarest_label_and_are_json(tmp_path):
    columns = {"id": [0, 1], "name": ["often", "never"], "before": [9, 0], "after": [9, 0], "reason": [None, "no row"]}
    columns |= {"irlbl_before": [1.00004, math.inf], "irlbl_after": [1.0, math.inf]}
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")
    rows = resampling_rows(tmp_path)

    assert [row["label"] for row in rows] == ["never", "often"]
    assert rows[0]["IRLbl before"] is None
    assert rows[1]["IRLbl before"] == 1.0
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
