"""Tables that a stranger sends: no cell, name or archive runs code, steers the terminal, or leaves its folder."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.config import load_config
from evenly.config_yaml import parse_yaml
from evenly.errors import ConfigError, DataError
from evenly.flows.steps import cut_after, prepare_steps
from evenly.flows.walk import walk_steps
from evenly.ingest.head import read_head
from evenly.ingest.structured import jsonl_reader, parquet_reader

LABELS = [
    "__proto__",
    "<script>alert(1)</script>",
    "../../x",
    "=cmd+' /C calc'!A0",
    "\x1b[31mred\x1b]0;title\x07",
    "{{ 7*7 }}",
    "$(touch pwned)",
    "constructor",
    "%n%s",
    "\u202egnp.exe",
]
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202e]")


def evenly(*arguments, folder):
    """Run the command line; nothing it prints may steer a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "evenly", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert not ESCAPES.search(done.stdout + done.stderr), (done.stdout + done.stderr).encode("unicode_escape")
    assert "Traceback" not in done.stderr
    return done


def test_names_stay_names(tmp_path):
    """From the table to every file and every line that is written of it."""
    folder = tmp_path / "work"
    folder.mkdir()
    with (folder / "table\x1b[2J.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["te\x1b[31mxt", "=label"])
        writer.writerows([f"plain words of row {row} {LABELS[row % 10]}", LABELS[row % 10]] for row in range(200))
    (folder / "config.yaml").write_text(
        'source: {files: "*.csv", text: "te\\e[31mxt", labels: {columns: "=label", format: single}}\n'
    )
    assert evenly("inspect", "config.yaml", "--html", "page.html", folder=folder).returncode == 0
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>")
    assert "&lt;script&gt;alert" in page

    assert evenly("export", "config.yaml", "-o", "train.csv", folder=folder).returncode == 0
    # What was read is what is written: another trainer must see the same texts. A spreadsheet is none (SECURITY.md).
    with (folder / "train.csv").open(encoding="utf-8", newline="") as stream:
        assert "=cmd+' /C calc'!A0" in {cell for row in csv.reader(stream) for cell in row}
    assert evenly("run", "table\x1b[2J.yaml", "--no-prefect", folder=folder).returncode == 2

    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "evenly-store",
        "page.html",
        "table\x1b[2J.csv",
        "train.csv",
    ]


def write_config(folder, name):
    path = folder / "config.yaml"
    path.write_text(f"source: {{files: '{name}', text: text, labels: {{columns: label}}}}\n")
    return load_config(path)


def build_table(config):
    return walk_steps(config, cut_after(prepare_steps(config), "table"), {})["table"]


def test_a_zip_writes_nothing_under_the_names_it_holds(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "table.zip", "w") as archive:
        archive.writestr(
            "../../evil.csv", "text,label\n" + "".join(f"words {row},{'ab'[row % 2]}\n" for row in range(40))
        )
    assert build_table(write_config(folder, "table.zip")).manifest.rows == 40
    assert not list(tmp_path.rglob("evil.csv"))


def test_a_parquet_bomb_is_looked_at_in_pieces(tmp_path):
    """Five million rows in some kilobytes: a dictionary and a run length. As text they would be 300 MB."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5_000_000, np.int32)), ["a few words and more " * 3])
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"text": texts, "label": texts}), path, compression="zstd")
    assert path.stat().st_size < 1 << 20
    before = pa.total_allocated_bytes()
    head = read_head(path, rows=100)
    assert len(head.table) == 100
    assert pa.total_allocated_bytes() - before < 100 << 20


def test_a_first_line_without_end_is_refused(tmp_path):
    (tmp_path / "wide.csv").write_text("text,label," + ",".join(f"c{i}" for i in range(100_000)) + "\na,b\n")
    with pytest.raises(DataError, match="first line goes on for more than"):
        build_table(write_config(tmp_path, "wide.csv"))


def test_ten_thousand_columns_of_one_name_are_numbered(tmp_path):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["text", "label", *["x"] * 10_000])
    writer.writerows([f"words of {row}", "ab"[row % 2], *["0"] * 10_000] for row in range(10))
    (tmp_path / "wide.csv").write_text(out.getvalue())
    assert build_table(write_config(tmp_path, "wide.csv")).manifest.rows == 10


def test_a_cell_of_more_than_16_mb_is_one_rejected_row(tmp_path):
    rows = "".join(f"words of {row},{'ab'[row % 2]}\n" for row in range(40))
    (tmp_path / "long.csv").write_text(f'text,label\n{rows}"{"lorem ipsum " * 2_000_000}",a\n')
    table = build_table(write_config(tmp_path, "long.csv"))
    assert (table.facts["rows_kept"], table.facts["rows_rejected"]) == (40, 1)


def rows_with_a_long_one():
    """Return texts and labels of 40 rows and, in the midst of them, one of 24 MB."""
    texts = [f"words of {row}" for row in range(40)]
    return [*texts[:20], "lorem ipsum " * 2_000_000, *texts[20:]], [*"ab" * 20, "a"]


@pytest.mark.parametrize("name", ["long.jsonl", "long.parquet", "long.arrow"])
def test_a_cell_of_more_than_16_mb_is_one_rejected_row_of_any_format(tmp_path, name):
    texts, labels = rows_with_a_long_one()
    path = tmp_path / name
    if path.suffix == ".jsonl":
        lines = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
        path.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".parquet":
        pq.write_table(pa.table({"text": texts, "label": labels}), path, compression="none")
    else:
        with pa.ipc.new_file(path, (table := pa.table({"text": texts, "label": labels})).schema) as stream:
            stream.write_table(table)
    table = build_table(write_config(tmp_path, name))
    assert (table.facts["rows_kept"], table.facts["rows_rejected"]) == (40, 1)
    assert table.facts["reject_reasons"] == {"a row of more than 16 MB": 1}
    (reject,) = pq.read_table(table.path / "rejects.parquet").to_pylist()
    assert reject["line"] == 21
    assert len(reject["raw"]) == 1_000


def test_a_line_that_is_too_long_is_never_read_in_one_piece(tmp_path):
    """300 MB in one line, by which the memory of the process hardly grows; before, it took four times the line."""
    path = tmp_path / "long.jsonl"
    rows = "".join(f'{{"text": "words of {row}", "label": "{"ab"[row % 2]}"}}\n' for row in range(40))
    with path.open("w") as stream:
        stream.write(rows + '{"text": "')
        for _ in range(300):
            stream.write("x" * (1 << 20))
        stream.write('", "label": "a"}\n' + rows)
    tracemalloc.start()
    lines = [(line, len(text)) for line, text in jsonl_reader._lines(path)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line for line, size in lines if size > 16 << 20] == [41]
    assert len(lines) == 81
    assert peak < 80 << 20


def test_a_parquet_column_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_reader, "_MOST_BYTES", 1 << 24)
    path = tmp_path / "bomb.parquet"
    texts = [*(f"words of {row}" for row in range(40)), "lorem ipsum " * 2_500_000]
    pq.write_table(pa.table({"text": texts, "label": [*"ab" * 20, "a"]}), path, compression="zstd")
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match=r"unpacks to 30,.* bytes from .* in column 'text' alone"):
        build_table(write_config(tmp_path, "bomb.parquet"))


def test_eight_thousand_columns_of_parquet_are_read(tmp_path):
    """100,000 take 24 seconds and 1.2 GB, most of it Arrow reading the file's footer."""
    columns = {"text": [f"words of {row}" for row in range(40)], "label": [*"ab" * 20]}
    pq.write_table(pa.table(columns | {f"c{i}": [0] * 40 for i in range(8_000)}), tmp_path / "wide.parquet")
    assert build_table(write_config(tmp_path, "wide.parquet")).manifest.rows == 40


NINE_LEVELS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NINE_LEVELS + "source: {files: *i}", "aliases stand for more than 200,000 values"),
        ("source: &s {files: *s}", "an alias holds itself"),
        ("[" * 1_500, "nested too deeply"),
        ("source: !!python/object/apply:os.system ['touch pwned']", "could not determine a constructor"),
        ("seed: " + "9" * 5_000, "4300 digits"),
    ],
    ids=["a billion laughs", "a circle", "deep", "code", "a huge number"],
)
def test_a_hostile_config_is_refused(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_aliases_that_are_not_too_many_are_read():
    assert parse_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


def test_what_a_message_repeats_of_a_config_is_short(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(f"source: {{files: a, text: t, labels: {{columns: l}}}}\nseed: {'x' * 1_000_000}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert len(str(caught.value)) < 500
