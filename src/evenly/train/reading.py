"""How a model reads a text: what it needs to know beside its tokenizer, so that its folder stands alone.

Comes in: the settings of the run and the artifacts that the model was trained on. Goes out: ``reading.json`` in the
model's folder, from which `evenly.prediction` makes the very token ids that training would have made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError

from evenly.errors import DataError, SourceNotFoundError
from evenly.formats import read_facts, write_json
from evenly.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Reading", "collect_reading", "read_reading"]

_FILE = "reading.json"
_LARGEST = 2**31 - 1
_OF_TEXTS = {"unescape_html": False, "unicode": "as_is"}
_OF_TOKENS: dict[str, Any] = {
    "max_length": None,
    "truncate": "head",
    "stride": 0,
    "join": "separator",
    "special_tokens": "text",
}


@dataclass(frozen=True)
class Reading:
    """How texts become token ids.

    Attributes
    ----------
    text
        The text columns as the source names them.
    columns
        The same as the table names them.
    unescape_html, unicode
        What is done to texts; see `evenly.config.SourceConfig`.
    max_length, truncate, stride, join, special_tokens
        See `evenly.config.TokenizeConfig`.
    separator
        What the tokenizer puts between texts.
    pad_id
        Fills up rows.
    """

    text: tuple[str, ...]
    columns: tuple[str, ...]
    unescape_html: bool
    unicode: Literal["as_is", "NFC", "NFKC"]
    max_length: int | None
    truncate: Literal["head", "tail", "head_tail", "windows"]
    stride: int
    join: Literal["separator", "columns"]
    special_tokens: Literal["text", "control"]
    separator: str
    pad_id: int

    def write(self, folder: Path) -> None:
        """Write ``reading.json``."""
        write_json(folder / _FILE, asdict(self))


def collect_reading(*, table: Path, shards: Path, tokenizer: Path, given: dict[str, Any] | None = None) -> Reading:
    """Return how the rows of a run were read.

    Parameters
    ----------
    table, shards, tokenizer
        Artifacts of the run.
    given
        Settings as the run states them; what is not given is what the artifacts were built with.
    """
    of_table, of_shards, ids = read_manifest(table).params, read_manifest(shards).params, read_facts(tokenizer)
    columns = tuple(read_facts(table)["text_columns"])
    own = {name: of_table.get(name, default) for name, default in _OF_TEXTS.items()}
    own |= {name: of_shards.get(name, default) for name, default in _OF_TOKENS.items()}
    own |= {"text": of_table.get("text", columns), "columns": columns}
    own |= {"separator": ids["separator"], "pad_id": ids["pad_id"], **(given or {})}
    return Reading(**{**own, "text": tuple(own["text"])})


def read_reading(model: Path) -> Reading:
    """Read ``reading.json`` of a model's folder.

    Raises
    ------
    SourceNotFoundError
        There is none.
    DataError
        It is damaged.
    """
    path = model / _FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SourceNotFoundError(
            f"{model} has no {_FILE}: it is no model of evenly, or one of a version that did not write it. Give the "
            f"folder of a model (store/model/...), or a copy of it."
        ) from error
    try:
        found = TypeAdapter(Reading).validate_json(text)
    except ValidationError as error:
        raise _damaged(path, f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}") from error
    _check(path, found)
    return found


def _check(path: Path, found: Reading) -> None:
    """Raise where sizes are none that ids can have, or columns do not belong together."""
    sizes = {"max_length": found.max_length or 0, "stride": found.stride, "pad_id": found.pad_id}
    for name, size in sizes.items():
        if not 0 <= size <= _LARGEST:
            raise _damaged(path, f"{name} is not from 0 to {_LARGEST}")
    if not found.text or len(found.text) != len(found.columns) or len(set(found.columns)) != len(found.columns):
        raise _damaged(path, "text and columns do not name the same columns, each once")


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path} is damaged ({why[:200]}). Copy the model's folder anew, or train again.")
