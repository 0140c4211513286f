"""What a stranger has put into a store: read or refused, never followed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzz_artifacts import write_artifacts
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import DataError, StoreError
from evenly.executor import InProcess
from evenly.export.stored_rows import StoredRows
from evenly.formats import labels_to_csr
from evenly.manifest import MANIFEST_NAME, FileEntry, digest_files, find_damage, read_manifest
from evenly.store import Stage, Store, open_artifact
from evenly.train.feed.batches import iter_batches
from evenly.workspace import Workspace

FUZZER = Path(__file__).with_name("fuzz_artifacts.py")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def write_one(work, *, text):
    (work.out / "one.txt").write_text(text)


ONE = Stage("one", 1, write_one)


@pytest.fixture
def artifact(tmp_path):
    return Store(tmp_path / "store").build(ONE, params={"text": "whole"}, inputs={}).path


def change_manifest(folder, **fields):
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def list_file(path):
    entry = digest_files([path])[0]
    return {"size": entry.size, "blake3": entry.blake3}


@pytest.mark.parametrize("name", ["../../outside.txt", "{outside}", "a/../../../outside.txt", "..", ""])
def test_a_manifest_cannot_name_what_is_outside(artifact, tmp_path, name):
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    change_manifest(artifact, files={name.format(outside=outside): list_file(outside)})
    with pytest.raises(StoreError, match="not inside its folder"):
        open_artifact(artifact)


@pytest.mark.parametrize("name", ["link.txt", "folder/outside.txt"])
def test_a_link_out_of_the_store_is_not_followed(artifact, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    outside = tmp_path / "elsewhere/outside.txt"
    outside.write_text("secret")
    target = artifact / name
    if "/" in name:
        target.parent.symlink_to(outside.parent)
    else:
        target.symlink_to(outside)
    change_manifest(artifact, files={name: list_file(outside)})
    with pytest.raises(StoreError, match="is a link to somewhere else"):
        open_artifact(artifact)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"format_version": 2}',
        "[]",
        "2",
        "",
        '{"format_version": ' + "9" * 5_000 + "}",
        '{"format_version": NaN}',
        "\udcff",
    ],
    ids=["deep", "empty", "list", "number", "nothing", "a huge number", "not a number", "not UTF-8"],
)
def test_a_manifest_that_is_none_is_refused(artifact, text):
    (artifact / MANIFEST_NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StoreError):
        read_manifest(artifact)


@settings(max_examples=150, deadline=None)
@given(
    field=st.sampled_from(["files", "facts", "params", "inputs", "schema", "notes", "stage", "key", "rows", "more"]),
    value=ANY_JSON,
)
def test_a_field_of_another_type_is_read_or_refused(tmp_path_factory, field, value):
    folder = tmp_path_factory.mktemp("any")
    whole = Store(folder).build(ONE, params={"text": "whole"}, inputs={}).path
    change_manifest(whole, **{field: value})
    try:
        found = open_artifact(whole)
    except StoreError:
        return
    assert isinstance(found.facts, dict)
    assert len(found.digest) == 64


def test_a_link_in_place_of_a_build_under_way_is_not_swept(tmp_path):
    """The name of a build is known beforehand: a link there must not have what it leads to removed or overwritten."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    store = Store(tmp_path / "store")
    key = store.build(ONE, params={"text": "whole"}, inputs={}).path.name
    other = Store(tmp_path / "other")
    (other.root / "one").mkdir(parents=True)
    (other.root / f"one/.partial-{key}").symlink_to(precious)
    other.build(ONE, params={"text": "whole"}, inputs={})
    assert {path.name: path.read_text() for path in precious.iterdir()} == {"letter.txt": "dear"}


def test_links_within_a_build_under_way_are_removed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "one.txt").write_text("dear")
    out = tmp_path / "out"
    (out / ".work/step.done").mkdir(parents=True)
    (out / "train").symlink_to(precious)
    (out / "one.txt").symlink_to(precious / "one.txt")
    (out / ".work/step.done/0.json").write_text('{"value": 1, "files": {"../precious/one.txt": {}}}')
    Workspace(out, stage="one", executor=InProcess())
    assert [path.name for path in out.iterdir()] == [".work"]
    assert (precious / "one.txt").read_text() == "dear"


def test_a_lock_that_is_a_link_leaves_its_target_alone(tmp_path):
    precious = tmp_path / "letter.txt"
    precious.write_text("dear")
    store = Store(tmp_path / "store")
    built = store.build(ONE, params={"text": "whole"}, inputs={}).path
    lock = store.root / ".locks" / f"one-{built.name}.lock"
    lock.unlink(missing_ok=True)
    lock.symlink_to(precious)
    with pytest.raises(StoreError):
        store.build(ONE, params={"text": "whole"}, inputs={})
    assert precious.read_text() == "dear"


@pytest.fixture
def shards(tmp_path):
    write_artifacts(tmp_path)
    return tmp_path / "shards"


def read_shards_of(folder):
    return list(iter_batches(folder, split="train", batch_size=8, n_labels=4, pad_id=0))


IDS = pa.array([[5, 6, 7], [8, 9, 10, 11]], pa.list_(pa.uint16()))
LABELS = pa.array([[0], [1]], pa.list_(pa.int32()))
ID_OFFSETS, LABEL_OFFSETS = [0, 3, 7], [0, 1, 2]


def write_stream(folder, ids=IDS, labels=LABELS, patch=None):
    """Write two rows; then put other offsets into the file, which no library would write."""
    path = folder / "train/data-00000.arrow"
    batch = pa.record_batch([pa.array([0, 1]), ids, labels], ["row", "input_ids", "labels"])
    with pa.ipc.new_stream(path, batch.schema) as stream:
        stream.write_batch(batch)
    if patch is not None:
        old, new = (np.array(offsets, "<i4").tobytes() for offsets in patch)
        content = path.read_bytes()
        assert content.count(old) == 1
        path.unlink()
        path.write_bytes(content.replace(old, new))


def label_rows(*rows):
    return pa.array(rows, pa.list_(pa.int32()))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"patch": (ID_OFFSETS, [0, 3, 2**30])}, id="ids end past the buffer"),
        pytest.param({"patch": (ID_OFFSETS, [0, -5, 7])}, id="a negative offset"),
        pytest.param({"patch": (ID_OFFSETS, [-(2**20), 3, 7])}, id="the first offset is negative"),
        pytest.param({"patch": (ID_OFFSETS, [7, 3, 0])}, id="offsets go down"),
        pytest.param({"patch": (LABEL_OFFSETS, [0, 1, 2**30])}, id="labels end past the buffer"),
        pytest.param({"patch": (LABEL_OFFSETS, [0, 2**31 - 1, 2])}, id="one row of labels is past the buffer"),
        pytest.param({"labels": label_rows([0], [2**31 - 1])}, id="a label id past all"),
        pytest.param({"labels": label_rows([0], [-(2**31)])}, id="a negative label id"),
        pytest.param({"labels": label_rows([0], [4])}, id="a label id one too high"),
        pytest.param({"labels": label_rows([0], None)}, id="a row without a list"),
        pytest.param({"ids": pa.array([[5], [None]], pa.list_(pa.uint16()))}, id="an id is missing"),
        pytest.param({"ids": pa.array([[5], [6]], pa.list_(pa.int64()))}, id="ids of another type"),
        pytest.param({"ids": pa.array(["5", "6"])}, id="texts in place of ids"),
    ],
)
def test_offsets_and_labels_that_lead_out_are_refused(shards, damage):
    write_stream(shards, **damage)
    with pytest.raises(DataError):
        read_shards_of(shards)


def test_the_same_file_with_offsets_that_fit_is_read(shards):
    write_stream(shards)
    [(ids, targets)] = read_shards_of(shards)
    assert ids[:, :4].tolist() == [[5, 6, 7, 0], [8, 9, 10, 11]]
    assert targets.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "", "..", 5, None, ["a"]])
def test_shards_cannot_name_files_outside_their_folder(shards, name):
    (shards / "train/state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match=r"state\.json"):
        read_shards_of(shards)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "", 5, None])
def test_an_export_follows_no_name_out_of_its_folder(shards, name):
    (shards / "train/state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    stored = StoredRows((shards / "train",), None, None, single_label=False)
    with pytest.raises((DataError, StoreError), match=r"state\.json (lists|does not say)"):
        list(stored.batches())


def test_an_export_follows_no_offset_out_of_its_file(shards):
    write_stream(shards, patch=(LABEL_OFFSETS, [0, 1, 2**30]))
    with pytest.raises(DataError, match="is damaged"):
        list(StoredRows((shards / "train",), None, None, single_label=False).batches())


@pytest.mark.parametrize("held", [[-1], [4], [2**31 - 1]])
def test_a_label_id_past_all_labels_does_not_reach_compiled_loops(held):
    with pytest.raises(DataError, match="holds label id"):
        labels_to_csr(pa.chunked_array([pa.array([held], pa.list_(pa.int32()))]), 4)


@pytest.mark.parametrize(
    "copies",
    [
        pytest.param(pa.array([-1] * 60, pa.int32()), id="less than none"),
        pytest.param(pa.array([2**31 - 1] * 60, pa.int32()), id="more rows than can be numbered"),
        pytest.param(pa.array([1] * 59 + [None], pa.int32()), id="a missing number"),
        pytest.param(pa.array([1.5] * 60), id="no whole number"),
    ],
)
def test_a_plan_with_impossible_copies_is_refused(shards, copies):
    plan = shards.parent / "plan"
    pq.write_table(pa.table({"row": np.arange(60), "copies": copies}), plan / "plan.parquet")
    with pytest.raises(DataError, match="The plan"):
        list(iter_batches(shards, plan, split="train", batch_size=8, n_labels=4, pad_id=0))


def test_damaged_artifacts_are_read_or_refused():
    """In a process of its own: a crash of a compiled loop is an exit code there."""
    command = [sys.executable, str(FUZZER), "--cases", "300", "--seconds", "10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert ended["refused"] > 0
    assert ended["read"] > 0


def test_find_damage_says_so_of_a_name_that_no_file_can_have(tmp_path):
    assert find_damage(tmp_path, {"a\0b": FileEntry(1, "0")}) == "a\0b is missing"
