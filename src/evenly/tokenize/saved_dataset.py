"""The two JSON files that make a folder of Arrow streams a saved data set of Hugging Face `datasets`.

Comes in: the schema and the files of a split. Goes out: ``dataset_info.json`` and ``state.json`` as
`Dataset.save_to_disk` of `datasets` 5 writes them, and ``dataset_dict.json`` for the folder of all splits, so that
`datasets.load_from_disk` opens either. The fingerprint is a digest of the content: the same rows, the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.formats import write_json
from evenly.manifest import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["write_dataset_files", "write_dict_file"]


def write_dataset_files(folder: Path, *, split: str, schema: pa.Schema, files: Mapping[str, str]) -> None:
    """Write ``dataset_info.json`` and ``state.json``.

    Parameters
    ----------
    folder
        Of the split; made where it is not there.
    split
        Its name.
    schema
        Of the streams.
    files
        Name to checksum of each stream, in the order of the rows. Where there is none, one without rows is
        written: `datasets` opens no data set without files.
    """
    folder.mkdir(exist_ok=True)
    if not files:
        files = {"data-00000.arrow": ""}
        with pa.ipc.new_stream(folder / "data-00000.arrow", schema):
            pass
    features = {field.name: _feature(field.type) for field in schema}
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    write_json(folder / "dataset_info.json", info)
    state: dict[str, Any] = {
        "_data_files": [{"filename": name} for name in files],
        "_fingerprint": digest_of([split, str(schema), list(files.values())])[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    write_json(folder / "state.json", state)


def write_dict_file(folder: Path, splits: Sequence[str]) -> None:
    """Write ``dataset_dict.json``."""
    write_json(folder / "dataset_dict.json", {"splits": list(splits)})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": str(kind), "_type": "Value"}
