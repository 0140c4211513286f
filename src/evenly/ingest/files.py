"""What a raw file is: its format and compression by its name, and the members of a zip.

In: a path and what the config says of it. Out: a `RawFile` (a zip is one for each of its members), which the
readers open through `evenly.ingest.unpacking`. What is plainly not of its format (a zip, a parquet file named .csv)
is refused here.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from evenly.errors import DataError, SourceNotFoundError

__all__ = ["FORMATS", "RawFile", "find_raw_file", "find_raw_files", "format_of", "refuse_other_formats"]

FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bz2"}
_MAGIC = {
    b"PAR1": "a parquet file",
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"\x1f\x8b": "a gzip file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf": "a 7z archive",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
}
_SHOWN = 5


@dataclass(frozen=True)
class RawFile:
    """One source file, or one member of a zip.

    Attributes
    ----------
    path
        Where it lies.
    format
        ``csv``, ``tsv``, ``jsonl``, ``json``, ``parquet``, ``arrow`` or ``excel``.
    compression
        ``gzip``, ``zstd``, ``xz``, ``bz2``, ``zip`` or None.
    member
        Which member of a zip.
    sheet
        Of Excel; None: the first one.
    remarks
        What a person should know about how it was chosen, in phrases.
    """

    path: Path
    format: str
    compression: str | None
    member: str | None = None
    sheet: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name for messages and rejects: of the file, and of the member."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"


def format_of(name: str) -> str | None:
    """Return the format that a file name tells, compressed or not; None where it tells none."""
    pure = PurePosixPath(name.lower())
    return FORMATS.get((pure.with_suffix("") if pure.suffix in _COMPRESSIONS else pure).suffix)


def find_raw_file(path: Path, format: str = "auto", sheet: str | None = None) -> RawFile:  # noqa: A002 - the config's word
    """Return what the file is; of a zip the first member. Parameters and errors are those of `find_raw_files`."""
    return find_raw_files(path, format, sheet)[0]


def find_raw_files(path: Path, format: str = "auto", sheet: str | None = None) -> list[RawFile]:  # noqa: A002 - as above
    """Return what the file is by its name, or by `format` where that is not ``auto``; a zip gives its members.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    DataError
        The name does not tell the format, the compression is none that evenly reads, or a zip holds no table or
        tables of several formats.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not there"
        raise SourceNotFoundError(f"The source file {path} {what}. Name the files themselves, or a glob (data/*.csv).")
    if path.suffix.lower() == ".zip":
        found = _members(path, format)
    else:
        known = None if _is_tar(path.name) else format_of(path.name) if format == "auto" else format
        if known is None:
            raise _unknown_format(path.name)
        found = [RawFile(path, known, _COMPRESSIONS.get(path.suffix.lower()))]
    if sheet is None:
        return found
    if any(raw.format != "excel" for raw in found):
        raise DataError(f"source.sheet is {sheet!r}, but {path.name} is no Excel file. Leave source.sheet out.")
    return [RawFile(raw.path, raw.format, raw.compression, raw.member, sheet, raw.remarks) for raw in found]


def _is_tar(name: str) -> bool:
    return any(suffix in {".tar", ".tgz"} for suffix in PurePosixPath(name.lower()).suffixes[-2:])


def _unknown_format(name: str) -> DataError:
    return DataError(
        f"{name}: evenly reads {', '.join(sorted(FORMATS))}, plain, with {', '.join(_COMPRESSIONS)} behind, or in a "
        f".zip. Unpack or convert the file, or say what it holds with source.format (csv, tsv, jsonl, json, parquet, "
        f"arrow, excel)."
    )


def _members(path: Path, asked: str) -> list[RawFile]:
    """Return the tables in a zip in the order of their names; what else is in it is left out, and said."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(info.filename for info in archive.infolist() if _is_content(info))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise DataError(f"{path.name} is not a zip file that can be read: {error}. Fetch it again.") from error
    chosen = _choose(path.name, names, asked)
    left_out = [name for name in names if name not in chosen]
    said = (f"left out of the zip: {_listed(left_out)}",) if left_out else ()
    formats = {name: format_of(name) or asked for name in chosen}
    return [
        RawFile(path, formats[name] if asked == "auto" else asked, "zip", name, None, () if number else said)
        for number, name in enumerate(chosen)
    ]


def _is_content(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename).parts
    return not info.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _choose(name: str, members: list[str], asked: str) -> list[str]:
    """Return the members that are tables of one ending: a readme.txt beside a table is no table."""
    tables = [member for member in members if FORMATS.get(_suffix(member)) is not None]
    if asked != "auto":
        return [member for member in tables if FORMATS[_suffix(member)] == asked] or _require(name, members, members)
    endings = {_suffix(member) for member in tables}
    if len(endings) > 1:
        tables = [member for member in tables if _suffix(member) != ".txt"]
        endings.discard(".txt")
    if len({FORMATS[ending] for ending in endings}) > 1:
        raise DataError(
            f"{name} holds tables of several formats ({_listed(tables)}). Say which to read with source.format."
        )
    return _require(name, tables, members)


def _require(name: str, chosen: list[str], members: list[str]) -> list[str]:
    if chosen:
        return chosen
    holds = f"holds {_listed(members)}" if members else "is empty"
    raise DataError(f"{name} {holds}: no table among it. evenly reads {', '.join(sorted(FORMATS))} in a zip.")


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower()).suffix


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def refuse_other_formats(raw: RawFile, head: bytes) -> None:
    """Raise where the first bytes of what is read as text are those of a known binary format.

    Raises
    ------
    DataError
        They are.
    """
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(
                f"{raw.name} is read as {raw.format}, but its bytes are {what}. "
                f"Give it the ending of what it is, or unpack it."
            )
