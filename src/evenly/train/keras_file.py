"""Save a Keras model so that the same model is the same bytes.

A ``.keras`` file is a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``. Three things differ between
two saves of one model: the dates of the zip and of the metadata, which become 1980-01-01, the first day that a zip
knows, and `shared_object_id` in the config, a memory address that only says which objects are the same: it is counted.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["save_model"]

_DAY = (1980, 1, 1, 0, 0, 0)


def save_model(model: Any, path: Path) -> None:
    """Write `model` to `path`, a name that ends in ``.keras``; ``keras.models.load_model`` opens it."""
    raw = path.with_name(f"raw-{path.name}")
    with warnings.catch_warnings():  # Keras 3.15 hands TensorFlow's arrays to NumPy 2 in a way that NumPy deprecates
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        model.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            target.writestr(zipfile.ZipInfo(name, _DAY), _CHANGES.get(name, bytes)(content))
    raw.unlink()


def _without_date(metadata: bytes) -> bytes:
    return json.dumps({**json.loads(metadata), "date_saved": "1980-01-01@00:00:00"}, sort_keys=True).encode()


def _without_addresses(config: bytes) -> bytes:
    fields = json.loads(config)
    _number_shared(fields, {})
    return json.dumps(fields).encode()


def _number_shared(value: Any, numbers: dict[int, int]) -> None:
    """Replace each `shared_object_id` by the order in which it first comes up."""
    if isinstance(value, list):
        for inner in value:
            _number_shared(inner, numbers)
    elif isinstance(value, dict):
        if isinstance(value.get("shared_object_id"), int):
            value["shared_object_id"] = numbers.setdefault(value["shared_object_id"], len(numbers))
        for inner in value.values():
            _number_shared(inner, numbers)


_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "metadata.json": _without_date,
    "config.json": _without_addresses,
}
