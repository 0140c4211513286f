"""A ``.keras`` file, looked at before Keras opens it: what it declares must be in proportion to what it holds.

Comes in: a path. Goes out: the text of its config. Keras' safe mode runs no code of a file, and refuses archives and
arrays that declare far more than is stored; it builds the layers of the config first, though, and a config of a
kilobyte can ask for a matrix of a terabyte. A layer has no more weights than the file has room for.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_network_config"]

_MOST_CONFIG_BYTES = 1 << 26
_MOST_UNPACKED_BYTES, _MOST_RATIO = 1 << 30, 200  # as of a packed table: both at once are a bomb
_FREE_WEIGHTS = 1 << 24  # numbers; 64 MB are no harm, whatever the file holds
_WEIGHTS_A_BYTE = 2  # int4 has two
_SIZES = (("units", "input_dim", "output_dim", "filters", "vocabulary_size", "hidden_dim"), ("num_heads", "key_dim"))


def read_network_config(path: Path) -> bytes:
    """Return the text of ``config.json`` of a ``.keras`` file.

    Raises
    ------
    DataError
        It is no such file, or declares far more than it holds.
    """
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is no .keras file, or is cut short ({path.stat().st_size:,} bytes). Copy it anew.")
    try:
        with zipfile.ZipFile(path) as file:
            _check_parts(path, file.infolist())
            text = file.read("config.json")
        wanted = sum(map(_n_weights, _layers(json.loads(text))))
    except DataError:
        raise
    except Exception as error:  # whatever a hostile archive makes of zipfile, and a hostile text of json
        raise DataError(f"{path} cannot be opened: {error!r:.300} The file is damaged. Copy it anew.") from error
    room = _FREE_WEIGHTS + _WEIGHTS_A_BYTE * path.stat().st_size
    if wanted > room:
        raise DataError(
            f"{path} cannot be opened: its layers would have {_round(wanted)} weights or more, and a file of "
            f"{path.stat().st_size:,} bytes does not hold them. It is damaged, or made to exhaust the memory."
        )
    return text


def _check_parts(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    """Raise where an archive names what is outside of it, names a part twice, or unpacks to far more than it is."""
    names = [part.filename for part in parts]
    for name in names:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or ":" in name:
            raise DataError(f"{path} cannot be opened: it has a part {name[:80]!r}, which is not inside of it.")
    if len(set(names)) != len(names):
        raise DataError(f"{path} cannot be opened: it has two parts of one name.")
    unpacked = sum(part.file_size for part in parts)
    config = sum(part.file_size for part in parts if part.filename.endswith(".json"))
    is_bomb = unpacked > _MOST_UNPACKED_BYTES and unpacked > _MOST_RATIO * path.stat().st_size
    if is_bomb or config > _MOST_CONFIG_BYTES:
        raise DataError(
            f"{path} cannot be opened: it unpacks to {unpacked:,} bytes ({config:,} of JSON) from "
            f"{path.stat().st_size:,}, which no model of Keras does."
        )


def _layers(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a config that has a class and settings, at any depth."""
    left = [value]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            if isinstance(found.get("config"), dict):
                yield found
            left += found.values()
        elif isinstance(found, list):
            left += found


def _n_weights(layer: dict[str, Any]) -> int:
    """Return the weights of the largest matrix of a layer, as far as its sizes tell; never fewer than it asks for."""
    config, build = layer["config"], layer.get("build_config")
    shape = build.get("input_shape") if isinstance(build, dict) else None
    width = shape[-1:] if isinstance(shape, list) and any(config.get(name) for name in ("units", "filters")) else []
    return max(_product([*(config.get(name) for name in names), *width]) for names in _SIZES)


def _product(sizes: list[Any]) -> int:
    """Return the product of those that are sizes, 0 where none is."""
    given = [size for size in sizes if type(size) is int and size > 0]
    return math.prod(given) if given else 0


def _round(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"1e{len(str(number)) - 1}"
