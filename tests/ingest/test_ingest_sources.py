"""Where rows come from: packed files, zips, globs, data sets of Hugging Face, and the config that names them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from evenly.config import load_config
from evenly.config_writer import write_config
from evenly.errors import ConfigError, DataError, SourceNotFoundError, StoreError
from evenly.flows.first_config import FirstConfig, guess_config, name_source
from evenly.flows.steps import prepare_steps
from evenly.ingest import DatasetSource, FileSource, unpacking
from evenly.ingest.files import find_raw_files
from evenly.ingest.remote.fetching import fetch_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CSV = "text,label\n" + "".join(f"some words about {n},{'ab'[n % 2]}\n" for n in range(20))
TEXTS = [f"some words about {n}" for n in range(20)]


def pack(kind: str, content: bytes) -> bytes:
    """Return the content as a file with that ending has it."""
    if kind == "zst":
        return bytes(pa.compress(content, "zstd", asbytes=True))
    return {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}[kind](content)


def write_zip(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("kind", ["gz", "zst", "xz", "bz2"])
@pytest.mark.parametrize("format_", ["csv", "json", "jsonl", "parquet", "arrow"])
def test_every_format_in_every_compression(tmp_path: Path, build: Callable[..., Any], kind: str, format_: str) -> None:
    rows = [{"text": text, "label": "ab"[n % 2]} for n, text in enumerate(TEXTS)]
    table = pa.Table.from_pylist(rows)
    plain = tmp_path / f"t.{format_}"
    if format_ == "parquet":
        pq.write_table(table, plain)
    elif format_ == "arrow":
        with pa.ipc.new_file(str(plain), table.schema) as writer:
            writer.write_table(table)
    else:
        texts = {"csv": CSV, "json": json.dumps(rows), "jsonl": "\n".join(map(json.dumps, rows))}
        plain.write_text(texts[format_])
    packed = tmp_path / f"t.{format_}.{kind}"
    packed.write_bytes(pack(kind, plain.read_bytes()))
    assert [row["text"] for row in build(packed).rows] == TEXTS


@pytest.mark.parametrize("kind", ["gz", "zst", "xz", "bz2"])
def test_a_packed_file_that_is_cut_is_told(tmp_path: Path, build: Callable[..., Any], kind: str) -> None:
    (tmp_path / f"t.csv.{kind}").write_bytes(pack(kind, CSV.encode() * 50)[:-30])
    with pytest.raises(DataError, match="cannot be decompressed"):
        build(tmp_path / f"t.csv.{kind}")


def test_the_members_of_a_zip_are_files_in_the_order_of_their_names(tmp_path: Path, build: Callable[..., Any]) -> None:
    members = {
        "data/2.csv": "text,label\nthree,a\n,b\n",
        "data/1.csv": "text,label\none,a\ntwo,b\n",
        "readme.txt": "Read me first.",
        "__MACOSX/data/._1.csv": "junk",
        "logo.png": b"\x89PNG",
    }
    built = build(write_zip(tmp_path / "t.zip", members))
    assert [row["text"] for row in built.rows] == ["one", "two", "three"]
    assert [(reject["file"], reject["line"]) for reject in built.rejects] == [("t.zip/data/2.csv", 3)]
    assert "t.zip/data/1.csv: left out of the zip: logo.png, readme.txt" in built.notes


def test_a_zip_may_hold_any_format(tmp_path: Path, build: Callable[..., Any]) -> None:
    pq.write_table(pa.table({"text": ["one", "two"], "label": ["a", "b"]}), tmp_path / "t.parquet")
    path = write_zip(tmp_path / "t.zip", {"t.parquet": (tmp_path / "t.parquet").read_bytes(), "notes.txt": "words"})
    assert [row["text"] for row in build(path).rows] == ["one", "two"]
    other = write_zip(tmp_path / "u.zip", {"t": "text;label\none;a\ntwo;b\n"})
    assert [row["text"] for row in build(other, format="csv").rows] == ["one", "two"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.csv": CSV, "b.jsonl": "{}"}, r"several formats \(a\.csv, b\.jsonl\)"),
        ({"a.png": b"x"}, r"holds a\.png: no table among it"),
        ({}, "is empty: no table"),
    ],
)
def test_a_zip_without_one_kind_of_table_is_explained(
    tmp_path: Path, build: Callable[..., Any], members: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        build(write_zip(tmp_path / "t.zip", members))


def test_names_in_a_zip_lead_nowhere(tmp_path: Path, build: Callable[..., Any]) -> None:
    path = write_zip(tmp_path / "t.zip", {"../../escaped.csv": CSV, "/tmp/absolute.csv": CSV})  # noqa: S108 - a name
    before = sorted(tmp_path.parent.rglob("*.csv"))
    assert len(build(path).rows) == 40
    assert sorted(tmp_path.parent.rglob("*.csv")) == before


def test_broken_and_locked_zips_are_told(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "cut.zip").write_bytes(write_zip(tmp_path / "t.zip", {"t.csv": CSV * 9}).read_bytes()[:-40])
    with pytest.raises(DataError, match=r"cut\.zip is not a zip file that can be read"):
        build(tmp_path / "cut.zip")
    content = bytearray((tmp_path / "t.zip").read_bytes())
    content[6] |= 1  # the flags of the member and of the directory: encrypted
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"locked\.zip/t\.csv cannot be decompressed as zip: .*encrypted"):
        build(tmp_path / "locked.zip")


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.xz", "t.csv.bz2", "t.zip"])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    tmp_path: Path, build: Callable[..., Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_UNPACKED_BYTES", 1 << 20)
    content = b"text,label\n" + b"a,b\n" * (1 << 20)
    if name == "t.zip":
        write_zip(tmp_path / name, {"t.csv": content})
    else:
        (tmp_path / name).write_bytes(pack(name.rpartition(".")[2], content))
    with pytest.raises(DataError, match="decompression bomb"):
        build(tmp_path / name)


@pytest.mark.parametrize("name", ["t.tar", "t.tar.gz", "t.tgz", "t.7z", "t", "t.doc"])
def test_a_name_that_tells_nothing_is_refused_with_what_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(CSV)
    with pytest.raises(DataError, match=r"evenly reads \.arrow, \.csv, .*source\.format"):
        find_raw_files(tmp_path / name)
    if name == "t":
        assert find_raw_files(tmp_path / name, "csv")[0].format == "csv"


def test_globs_reach_into_folders_and_name_each_file_once(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "deep/er/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CSV)

    def names(*patterns: str) -> list[str]:
        return [path.name for path in FileSource(tuple(str(tmp_path / name) for name in patterns)).fetch(tmp_path)]

    assert names("**/*.csv") == ["a.csv", "b.csv", "c.csv"]
    assert names("b.csv", "*.csv") == ["b.csv", "a.csv"]
    with pytest.raises(SourceNotFoundError, match=r"x\*\.csv, but no file matches"):
        names("x*.csv")


def test_what_is_fetched_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def write(folder: Path) -> list[str]:
        (folder / "t.csv").write_text(CSV)
        return ["t.csv"]

    def fail(folder: Path) -> list[str]:
        write(folder)
        raise OSError("the line went dead")

    with pytest.raises(OSError, match="went dead"):
        fetch_once(tmp_path / "s", "key", {"tag": 1}, fail)
    assert [path.name for path in (tmp_path / "s").iterdir()] == [".key.lock"]
    (path,) = fetch_once(tmp_path / "s", "key", {"tag": 1}, write)
    assert fetch_once(tmp_path / "s", "key", {"tag": 1}, fail) == (path,)
    with pytest.raises(OSError, match="went dead"):
        fetch_once(tmp_path / "s", "key", {"tag": 2}, fail)
    assert path.read_text() == CSV  # the old one stays until there is a new one
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write to the store"):
        fetch_once(tmp_path / "file" / "s", "key", None, write)


FEATURES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["neg", "pos"]),
        "tags": datasets.List(datasets.ClassLabel(names=["q", "r"])),
    }
)


def make_dataset(n_rows: int) -> datasets.Dataset:
    rows = {
        "text": [f"some words about {n}" for n in range(n_rows)],
        "label": [n % 2 for n in range(n_rows)],
        "tags": [[0, 1][: n % 3] for n in range(n_rows)],
    }
    return datasets.Dataset.from_dict(rows, features=FEATURES)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


def test_a_saved_data_set_keeps_its_class_names_and_splits(tmp_path: Path, build: Callable[..., Any]) -> None:
    splits = {"train": make_dataset(6), "test": make_dataset(4), "unsupervised": make_dataset(2)}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    files = DatasetSource(str(tmp_path / "saved")).fetch(tmp_path / "s")
    assert [path.name for path in files] == ["train.parquet", "test.parquet"]
    built = build(*files, split="split", keep=["tags"])
    assert [row["given_split"] for row in built.rows] == ["train"] * 6 + ["test"] * 4
    assert [row["labels"] for row in built.rows[:3]] == [["neg"], ["pos"], ["neg"]]
    assert [row["tags"] for row in built.rows[:3]] == [[], ["q"], ["q", "r"]]
    assert "train.parquet: splits left out: unsupervised" in built.notes


def test_one_split_gets_no_split_column_and_no_label_is_null(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [-1, 1], "tags": [[0], None]}, features=FEATURES)
    rows.save_to_disk(tmp_path / "saved")
    (path,) = DatasetSource(str(tmp_path / "saved")).fetch(tmp_path / "s")
    assert pq.read_table(path).to_pylist() == [
        {"text": "x", "label": None, "tags": ["q"]},
        {"text": "y", "label": "pos", "tags": None},
    ]


def test_a_data_set_is_written_again_when_its_folder_has_changed(tmp_path: Path) -> None:
    make_dataset(3).save_to_disk(tmp_path / "saved")
    source = DatasetSource(str(tmp_path / "saved"))
    (path,) = source.fetch(tmp_path / "s")
    first = path.stat().st_mtime_ns
    assert source.fetch(tmp_path / "s")[0].stat().st_mtime_ns == first
    make_dataset(5).save_to_disk(tmp_path / "saved")
    assert pq.read_metadata(source.fetch(tmp_path / "s")[0]).num_rows == 5


def test_a_folder_of_files_is_opened_as_datasets_does(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text(CSV)
    (tmp_path / "data" / "test.csv").write_text(CSV)
    files = DatasetSource(str(tmp_path / "data")).fetch(tmp_path / "s")
    assert [path.name for path in files] == ["train.parquet", "test.parquet"]
    assert [path.name for path in (tmp_path / "s").iterdir() if path.is_dir()] == [files[0].parent.name]


def test_no_script_of_a_data_set_is_run(tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(DataError, match="scripts are no longer supported"):
        DatasetSource(str(tmp_path / "evil")).fetch(tmp_path / "s")
    assert not (tmp_path / "ran").exists()


UNREACHABLE = """
from pathlib import Path
from evenly.errors import SourceNotFoundError, SourceUnreachableError
from evenly.ingest import DatasetSource
try:
    DatasetSource("nobody/no-such-data").fetch(Path("s"))
except (SourceNotFoundError, SourceUnreachableError) as error:
    print(error)
"""


def test_a_hub_that_does_not_answer_is_told(tmp_path: Path) -> None:
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"), "PATH": ""}
    command = [sys.executable, "-c", UNREACHABLE]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("source.dataset names nobody/no-such-data: no such folder, and")


def written(folder: Path, first: FirstConfig) -> dict[str, Any]:
    """Return the source section of the config file that is written."""
    write_config(folder / "config.yaml", first.config, first.reasons)
    source: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())["source"]
    load_config(folder / "config.yaml")
    return source


def test_a_config_for_a_data_set_honours_its_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    datasets.DatasetDict(train=make_dataset(40), test=make_dataset(20)).save_to_disk("saved")
    source = written(tmp_path, guess_config("saved", store=tmp_path / "store"))
    assert (source["dataset"], source["files"], source["split"], source["format"]) == ("saved", [], "split", "auto")
    assert load_config(tmp_path / "config.yaml").source.dataset == str(tmp_path / "saved")


def test_a_config_elsewhere_names_files_from_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "conf").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "data" / name).write_text(CSV)
    source = written(tmp_path / "conf", guess_config("data", store=tmp_path / "store"))
    assert source["files"] == ["../data/*.csv"]
    files = prepare_steps(load_config(tmp_path / "conf" / "config.yaml"))[0].files["files"]
    assert [path.name for path in files.paths] == ["a.csv", "b.csv"]


def test_a_password_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(CSV)
    config = guess_config(str(tmp_path / "t.csv"), store=tmp_path / "store").config

    def rewritten(database: str) -> tuple[bool, str]:
        place = {"files": (), "database": database, "query": "select 1"}
        changed = config.model_copy(update={"source": config.source.model_copy(update=place)})
        left_out = write_config(tmp_path / "config.yaml", changed, {})
        return left_out, yaml.safe_load((tmp_path / "config.yaml").read_text())["source"]["database"]

    assert rewritten("postgresql://me:se@cret@h/d") == (True, "postgresql://me:$DATABASE_PASSWORD@h/d")
    assert rewritten("postgresql://me:$MINE@h/d") == (False, "postgresql://me:$MINE@h/d")
    assert rewritten(f"sqlite:///{tmp_path}/t.db") == (False, f"sqlite:///{tmp_path}/t.db")


@pytest.mark.parametrize(
    ("table", "query", "expected"),
    [
        ("t.csv", None, {"files": ["t.csv"]}),
        ("data/*.csv", None, {"files": ["data/*.csv"]}),
        ("https://host/t.csv", None, {"files": ["https://host/t.csv"]}),
        ("zip://t.csv::s3://bucket/t.zip", None, {"files": ["zip://t.csv::s3://bucket/t.zip"]}),
        ("owner/name", None, {"dataset": "owner/name"}),
        ("owner/name.csv.gz", None, {"files": ["owner/name.csv.gz"]}),
        ("$MAIL_DATABASE", "select 1", {"database": "$MAIL_DATABASE", "query": "select 1"}),
        ("mysql+pymysql://h/d", "select 1", {"database": "mysql+pymysql://h/d", "query": "select 1"}),
    ],
)
def test_what_a_person_types_is_a_source(table: str, query: str | None, expected: dict[str, Any]) -> None:
    assert name_source(table, query) == expected


def test_a_folder_without_one_kind_of_table_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no table"):
        name_source(str(tmp_path))
    for name in ("a.csv", "b.json"):
        (tmp_path / name).write_text(CSV)
    with pytest.raises(DataError, match=r"several endings \(\.csv, \.json\)"):
        name_source(str(tmp_path))


def test_one_source_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    labels = {"text": "text", "labels": {"columns": "label"}}
    path.write_text(yaml.safe_dump({"source": {"files": "t.csv", "dataset": "saved"} | labels}))
    with pytest.raises(ConfigError, match="given: files and dataset"):
        load_config(path)
    path.write_text(yaml.safe_dump({"source": {"database": "sqlite:///t.db"} | labels}))
    with pytest.raises(ConfigError, match="go together"):
        load_config(path)
