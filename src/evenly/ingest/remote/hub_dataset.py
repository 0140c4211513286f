"""A Hugging Face data set, saved by `save_to_disk` or from the hub -> a parquet file a split.

In: a folder or a hub name. Out: its rows with class labels as names, and a column `split` where it has several
splits. Nothing of it is run: no script of a data set, no pickle.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ConfigError, DataError, EvenlyError, SourceNotFoundError, SourceUnreachableError
from evenly.ingest.reading import BATCH_ROWS
from evenly.ingest.remote.credentials import hide_urls
from evenly.ingest.rows import SPLIT_WORDS
from evenly.ingest.structured.columnar_reader import REMARK_KEY
from evenly.ingest.structured.parquet_writer import plain_schema, write_parquet
from evenly.progress import Advanced, emit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SPLIT_COLUMN", "has_split_column", "is_saved_dataset", "write_splits"]

SPLIT_COLUMN = "split"
_SPLIT_KEY = b"evenly.split"
_NOT_A_COLUMN = ("Image", "Audio", "Video", "Pdf", "Nifti", "Mesh")


def is_saved_dataset(folder: Path) -> bool:
    """Return whether `save_to_disk` has written the folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def has_split_column(path: Path) -> bool:
    """Return whether a file is one of several splits, written by `write_splits`."""
    return path.suffix == ".parquet" and _SPLIT_KEY in (pq.read_schema(path).metadata or {})


def write_splits(name: str, subset: str | None, revision: str | None, folder: Path, stage: str) -> list[str]:
    """Write every split as a parquet file and return the names of the files.

    Parameters
    ----------
    name
        A folder, or the name of a data set on the hub.
    subset, revision
        Of a data set on the hub.
    folder
        Where to write.
    stage
        Whose progress it is.

    Raises
    ------
    SourceNotFoundError
        There is no such data set.
    SourceUnreachableError
        The hub does not answer.
    DataError
        It cannot be read.
    """
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        splits = _open(name, subset, revision, cache)
        known = {split: rows for split, rows in splits.items() if split.lower() in SPLIT_WORDS}
        used = known or splits
        left_out = [split for split in splits if split not in used]
        remark = f"splits left out: {', '.join(left_out)}" if left_out else ""
        for split, rows in used.items():
            said = remark if split == next(iter(used)) else ""
            _write_split(rows, split if len(used) > 1 else None, said, folder / f"{split}.parquet", stage)
    return [f"{split}.parquet" for split in used]


def _open(name: str, subset: str | None, revision: str | None, cache: str) -> Mapping[str, Any]:
    import datasets

    with _reading(name), _without_bars():
        if is_saved_dataset(Path(name)):
            found = datasets.load_from_disk(name)
        elif Path(name).is_dir():
            found = datasets.load_dataset(name, subset, cache_dir=cache)
        else:
            found = datasets.load_dataset(name, subset, revision=revision)
    return found if isinstance(found, datasets.DatasetDict) else {"train": found}


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn what `datasets` and the hub raise into evenly's errors."""
    from datasets.exceptions import DatasetNotFoundError

    try:
        yield
    except EvenlyError:
        raise
    except DatasetNotFoundError as error:
        raise SourceNotFoundError(
            f"source.dataset names {name}: no such folder, and no such data set that the hub would show: "
            f"{hide_urls(str(error))}"
        ) from error
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"source.dataset names {name}: {hide_urls(str(error))}") from error
    except OSError as error:
        raise SourceUnreachableError(
            f"source.dataset names {name}: no such folder, and the hub does not answer: {hide_urls(str(error))} "
            f"Try again, or save it where there is a network (save_to_disk) and name the folder."
        ) from error
    except ValueError as error:
        if "Config name is missing" in str(error) or "BuilderConfig" in str(error):
            raise ConfigError(f"source.dataset {name}: set source.subset. {hide_urls(str(error))}") from error
        raise DataError(f"The data set {name} cannot be read: {hide_urls(str(error))}") from error
    except Exception as error:
        raise DataError(f"The data set {name} cannot be read: {hide_urls(str(error))}") from error


@contextmanager
def _without_bars() -> Iterator[None]:
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _write_split(rows: Any, split: str | None, remark: str, path: Path, stage: str) -> None:
    dropped = [name for name, feature in rows.features.items() if type(feature).__name__ in _NOT_A_COLUMN]
    rows = rows.remove_columns(dropped)
    if split is not None and SPLIT_COLUMN in rows.column_names:
        raise DataError(
            f"The data set has several splits and a column {SPLIT_COLUMN!r} of its own. Rename it before it is saved: "
            f"dataset.rename_column({SPLIT_COLUMN!r}, 'other')"
        )
    remarks = [part for part in (remark, f"columns left out: {', '.join(dropped)}" if dropped else "") if part]
    metadata = {REMARK_KEY: "; ".join(remarks).encode()} if remarks else {}
    tables = _named_tables(rows, split, stage)
    first = next(tables)
    schema = plain_schema(first.schema)
    metadata |= {_SPLIT_KEY: SPLIT_COLUMN.encode()} if split is not None else {}
    write_parquet(path, schema, chain([first], tables), metadata or None)


def _named_tables(rows: Any, split: str | None, stage: str) -> Iterator[pa.Table]:
    """Yield the rows in batches, at least one, class labels as names and the split beside them."""
    names = {name: found for name, feature in rows.features.items() if (found := _class_names(feature)) is not None}
    arrow = rows.with_format("arrow")
    n_rows = len(rows)
    for start in range(0, max(n_rows, 1), BATCH_ROWS):
        batch: pa.Table = arrow[start : start + BATCH_ROWS]
        for name, classes in names.items():
            column = _as_names(batch[name].combine_chunks(), pa.array(classes, pa.string()))
            batch = batch.set_column(batch.column_names.index(name), name, column)
        if split is not None:
            batch = batch.append_column(SPLIT_COLUMN, pa.array([split] * len(batch), pa.string()))
        yield batch
        emit(Advanced(stage, min(start + BATCH_ROWS, n_rows), n_rows, "rows", split or ""))


def _class_names(feature: Any) -> list[str] | None:
    """Return the names of a column of class labels, or of lists of them; None of any other."""
    import datasets

    inner = feature.feature if isinstance(feature, datasets.List | datasets.LargeList) else feature
    return list(inner.names) if isinstance(inner, datasets.ClassLabel) else None


def _as_names(column: pa.Array, names: pa.StringArray) -> pa.Array:
    """Return class numbers, or lists of them, as names; -1, which stands for no label, as null."""
    import pyarrow.compute as pc

    if not pa.types.is_integer(column.type):
        flat = _as_names(column.flatten(), names)
        lengths = pc.fill_null(pc.list_value_length(column), 0)
        ends = pc.cumulative_sum(lengths.cast(pa.int32()))
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
        return pa.ListArray.from_arrays(offsets, flat, mask=column.is_null())
    known = pc.if_else(pc.greater_equal(column, 0), column, None)
    return names.take(known)
