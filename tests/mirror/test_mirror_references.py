"""Which files of a folder a partition needs, and the list of them that travels."""

from __future__ import annotations

import pytest

from evenly.mirror.references import Blob, dump_inventory, load_inventory, select

NAMES = ["labels.parquet", "manifest.json", "part-00000.parquet", "part-00001.parquet", "train/data-0.arrow"]


@pytest.mark.parametrize(
    ("only", "needed"),
    [
        ("", NAMES),
        ("part-00001.parquet", ["labels.parquet", "manifest.json", "part-00001.parquet", "train/data-0.arrow"]),
        ("labels.parquet", NAMES),
        ("train/", ["train/data-0.arrow"]),
    ],
)
def test_of_numbered_files_only_the_one_that_is_named_is_needed(only, needed):
    assert select(NAMES, only) == needed


def test_an_inventory_is_read_as_it_was_written():
    files = {"a/b": Blob("many/key/a/b", 3, "ff"), "c": Blob(".work/x/ee", 0, "ee")}
    assert load_inventory(dump_inventory(files)) == files
