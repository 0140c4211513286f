"""The stage `encoder`: a checkpoint in the form of the Hugging Face hub -> its own folder, checked.

Comes in: the files of a folder, or a name of the hub. Goes out: ``config.json`` and the weights, nothing else, so that
what is opened later is data: weights in safetensors, and numbers of a known architecture. PyTorch's own files are
pickles, which run code when they are opened; they are refused, as is a config that names classes of its own.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, DataError, SourceNotFoundError
from evenly.store import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenly.workspace import Workspace

__all__ = ["ARCHITECTURES", "ENCODER", "keep_checkpoint"]

ARCHITECTURES = ("bert", "distilbert", "roberta", "xlm-roberta")
"""Kinds (`model_type` of the config) of which evenly knows what goes in and what comes out."""
_INDEX = "model.safetensors.index.json"
_WANTED = ("config.json", "*.safetensors", _INDEX)
_NO_POSITIONS_BEFORE = {"roberta": 2, "xlm-roberta": 2}  # their first positions stand for padding
_ANSWER_WITHIN_S = 10


def keep_checkpoint(
    work: Workspace, *, files: tuple[Path, ...] = (), name: str | None = None, revision: str | None = None
) -> None:
    """Keep what is needed of a checkpoint.

    Parameters
    ----------
    work
        Where to write.
    files
        The files of a folder, so that they count by content.
    name, revision
        Where no files are given: a name of the hub and a commit, tag or branch there.

    Raises
    ------
    SourceNotFoundError
        There is no config, or no weights in safetensors; or the name cannot be reached.
    ConfigError
        The architecture is none that evenly knows.
    DataError
        The config or the index of the weights is damaged, or names files elsewhere.
    """
    source = "folder"
    if not files:
        files, source = _fetch(name or "", revision)
    found = {path.name: path for path in files}
    config = _read_config(found)
    weights = _weight_files(found)
    for path in (found["config.json"], *weights):
        shutil.copyfile(path, work.out / path.name)
    kind = config["model_type"]
    facts = {
        "architecture": kind,
        "source": source,
        "n_features": _number(config, "hidden_size", "dim"),
        "n_layers": _number(config, "num_hidden_layers", "n_layers"),
        "vocabulary_size": _number(config, "vocab_size"),
        "max_length": _number(config, "max_position_embeddings") - _NO_POSITIONS_BEFORE.get(kind, 0),
    }
    work.record(**facts)
    work.note(f"{kind} of {facts['n_layers']} layers, {facts['n_features']} numbers a text, from {_where(source)}")


def _where(source: str) -> str:
    return "the folder given" if source == "folder" else source


def _read_config(found: dict[str, Path]) -> dict[str, Any]:
    if "config.json" not in found:
        raise SourceNotFoundError(
            f"train.checkpoint has no config.json, but {_listed(found)}. Expected a folder as "
            f"`save_pretrained` writes it: config.json, model.safetensors and the tokenizer."
        )
    try:
        config: Any = json.loads(found["config.json"].read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{found['config.json']} cannot be read: {error}") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in ARCHITECTURES or "registered_name" in config:
        raise ConfigError(
            f"train.checkpoint is of the kind {kind!r} (model_type of its config.json); evenly reads "
            f"{', '.join(ARCHITECTURES)}. Use another checkpoint, or train.model: custom with a function of yours."
        )
    known: dict[str, Any] = config
    return known


def _number(config: dict[str, Any], *names: str) -> int:
    value = next((config[name] for name in names if name in config), None)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DataError(f"config.json of train.checkpoint has {value!r} as {' or '.join(names)}; expected a count.")
    return value


def _weight_files(found: dict[str, Path]) -> list[Path]:
    """Return the files of the weights, their index first where they are several."""
    weights = [path for name, path in sorted(found.items()) if name.endswith(".safetensors")]
    if not weights:
        pickled = [name for name in found if name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl"))]
        seen = f"{pickled[0]}, a pickle, which can run code when it is opened" if pickled else _listed(found)
        raise SourceNotFoundError(
            f"train.checkpoint has no *.safetensors, but {seen}. Convert it once, where you trust it: "
            f"AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER, safe_serialization=True)."
        )
    if _INDEX not in found:
        return weights
    try:
        named = set(json.loads(found[_INDEX].read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{found[_INDEX]} cannot be read: {error!r}") from error
    strange = sorted(map(str, named - {path.name for path in weights}))
    if strange:
        raise DataError(f"{found[_INDEX]} names {strange[0]!r}, which is no file of its folder.")
    return [found[_INDEX], *weights]


def _listed(found: Sequence[str] | dict[str, Path]) -> str:
    return ", ".join(sorted(found)[:10]) or "no files at all"


def _fetch(name: str, revision: str | None) -> tuple[tuple[Path, ...], str]:
    """Return the files of a name of the hub, or of what this machine has kept of it, and which commit they are of."""
    from huggingface_hub import HfApi, snapshot_download

    commit, refusal = revision or "main", ""
    try:
        commit = HfApi().model_info(name, revision=revision, timeout=_ANSWER_WITHIN_S).sha or commit
    except Exception as error:  # noqa: BLE001 - no network, no such name, a proxy's page: told with what follows
        refusal = (str(error).strip() or type(error).__name__).splitlines()[0]
    try:
        folder = snapshot_download(
            name, revision=commit, allow_patterns=list(_WANTED), local_files_only=bool(refusal), etag_timeout=10
        )
    except Exception as error:
        raise SourceNotFoundError(
            f"Cannot open train.checkpoint {name!r}{f' ({refusal})' if refusal else ''}: "
            f"{(str(error).strip() or type(error).__name__).splitlines()[0]} Expected a folder, or a hub name that can "
            f"be reached from here."
        ) from error
    return tuple(sorted(path for path in Path(folder).iterdir() if path.is_file())), f"hub:{name}@{commit}"


ENCODER = Stage("encoder", 1, keep_checkpoint)
