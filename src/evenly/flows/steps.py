"""The steps of a run: which stage, from which artifacts, with which parameters.

A config in, a list of steps out; nothing runs here. The order of the list is the order of the run, and a step takes
only what earlier ones have made, so that cutting the list anywhere leaves a run that ends there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, nearest
from evenly.store import Files, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenly.config import RunConfig, SourceConfig
    from evenly.ingest import Source

__all__ = ["Step", "cut_after", "make_source", "prepare_steps", "train_steps"]


@dataclass(frozen=True)
class Step:
    """One stage of a run.

    Attributes
    ----------
    stage, params
        What is run, and how.
    inputs
        The names of the stages whose artifacts it takes.
    files
        Files that it takes, which are here.
    source
        Of the table: where its `files` have to be fetched from first.
    of
        What tells it from other steps of the same stage in one run: strategy and seed of a comparison.
    """

    stage: Stage
    params: dict[str, Any]
    inputs: tuple[str, ...] = ()
    files: dict[str, Files] = field(default_factory=dict)
    source: Source | None = None
    of: str = ""


def prepare_steps(config: RunConfig) -> list[Step]:
    """Return the steps from raw files to token shards."""
    from evenly.inspect import CHECKS
    from evenly.labels import SPLIT, STATISTICS, WEIGHTS
    from evenly.resample import PLAN
    from evenly.tokenize import SHARDS, SYNTHETIC, TOKENIZER

    seed = {"seed": config.seed}
    shards = config.tokenize.model_dump(include=_OF_THE_SHARDS)
    tokenizer_params, tokenizer_files = _tokenizer(config)
    plan = config.resample.model_dump(exclude={"embeddings"}) | _own_seed(config, config.resample.seed)
    texts = [
        Step(TOKENIZER, tokenizer_params | seed, ("table", "split"), tokenizer_files),
        Step(SHARDS, shards, ("table", "split", "tokenizer")),
    ]
    early = config.resample.embeddings  # then the plan needs what else only a network would
    return [
        _table_step(config),
        Step(CHECKS, config.checks.model_dump(), ("table",)),
        Step(SPLIT, config.split.model_dump() | seed, ("table", "checks")),
        Step(STATISTICS, {}, ("table", "checks", "split")),
        Step(WEIGHTS, config.weights.model_dump() | {"scheme": _weights_scheme(config)}, ("table", "split")),
        *([*texts, *_embedding_steps(config)] if early else []),
        Step(PLAN, plan, ("table", "split", *(["embeddings"] if early else []))),
        *([] if early else texts),
        Step(SYNTHETIC, shards, ("plan", "tokenizer")),
    ]


def _embedding_steps(config: RunConfig) -> list[Step]:
    """Return the steps of the encoder and of the vectors that it gives, as far as the run needs them."""
    from evenly.train import EMBEDDINGS, ENCODER

    if config.train.checkpoint is None:
        return []
    params, files = _hub_or_folder(config.train.checkpoint, config.train.revision)
    encoder = Step(ENCODER, params, (), files)
    needed = config.resample.embeddings or config.train.trainable == "none"
    return [encoder, *([Step(EMBEDDINGS, {}, ("shards", "tokenizer", "encoder"))] if needed else [])]


def train_steps(config: RunConfig) -> list[Step]:
    """Return the steps from token shards to model and report."""
    from evenly.report import REPORT
    from evenly.train import BASELINE, MODEL, SYNTHETIC_EMBEDDINGS

    seed = {"seed": config.seed}
    rule = config.train.model_dump(include={"thresholds", "target_precision", "logit_adjustment"})
    baseline = [Step(BASELINE, seed | rule, ("table", "split"))] if config.train.baseline else []
    prepared = ("table", "split", "shards", "synthetic", "plan", "weights", "tokenizer")
    encoded: tuple[str, ...] = ()
    vectors = []
    if config.train.checkpoint is not None:
        encoded = ("encoder",)
    if config.train.checkpoint is not None and config.train.trainable == "none":
        encoded = ("encoder", "embeddings", "synthetic_embeddings")
        vectors = [Step(SYNTHETIC_EMBEDDINGS, {}, ("synthetic", "tokenizer", "encoder"))]
    return [
        *baseline,
        *([] if config.resample.embeddings else _embedding_steps(config)),
        *vectors,
        Step(
            MODEL,
            config.train.model_dump(exclude=_NOT_OF_THE_MODEL | _left_out(config))
            | _own_seed(config, config.train.seed)
            | {"reading": _reading(config)},
            (*prepared, *(step.stage.name for step in baseline), *encoded),
        ),
        Step(
            REPORT,
            {"title": make_source(config.source).title, "settings": _settings(config)},
            ("table", "checks", "split", "stats", "weights", "plan", "shards", "model"),
        ),
    ]


def _left_out(config: RunConfig) -> set[str]:
    """Return the settings that say nothing where they are as they were before evenly had them."""
    said = {"trainable": config.train.checkpoint is not None, "devices": config.train.devices is not None}
    return {name for name, there in said.items() if not there}


def cut_after(steps: Sequence[Step], last: str | None) -> list[Step]:
    """Return the steps up to the stage named `last`; all of them where it is None.

    Raises
    ------
    ConfigError
        No step has that name.
    """
    names = [step.stage.name for step in steps]
    if last is None:
        return list(steps)
    if last not in names:
        raise ConfigError(f"There is no stage {last!r}{nearest(last, names)} Stages: {', '.join(names)}.")
    return list(steps[: names.index(last) + 1])


def _own_seed(config: RunConfig, seed: int | None) -> dict[str, int]:
    """Return the seed of a stage that may have one of its own, so that split and tokens stay what they are."""
    return {"seed": config.seed if seed is None else seed}


def _reading(config: RunConfig) -> dict[str, Any]:
    """Return how texts become ids: what the model must know to stand alone, whether or not it changed a row here."""
    of_tokens = {"max_length", "truncate", "stride", "join", "special_tokens"}
    of_texts = config.source.model_dump(mode="json", include={"text", "unescape_html", "unicode"})
    return of_texts | config.tokenize.model_dump(include=of_tokens)


_OF_THE_SHARDS = {"max_length", "truncate", "stride", "join", "special_tokens", "engine", "shard_bytes"}
_NOT_OF_THE_MODEL = {"baseline", "checkpoint", "revision"}  # the last two are what the encoder is made from
_WHERE_ROWS_COME_FROM = {"files", "storage_options", "dataset", "subset", "revision", "database", "query"}
_SECRETS = {"storage_options", "database"}


def make_source(source: SourceConfig) -> Source:
    """Return where the rows of a config come from; nothing is fetched yet."""
    from evenly.ingest import DatasetSource, FileSource, QuerySource

    if source.dataset is not None:
        return DatasetSource(source.dataset, source.subset, source.revision)
    if source.database is not None and source.query is not None:
        return QuerySource(source.database, source.query)
    return FileSource(source.files, source.storage_options)


def _table_step(config: RunConfig) -> Step:
    """Return the step of the table; files that are here must be there, the others are fetched when it is built."""
    from evenly.ingest import TABLE, FileSource

    source, params = make_source(config.source), _table_params(config)
    if isinstance(source, FileSource) and source.is_local:
        return Step(TABLE, params, files={"files": Files(source.fetch(Path()))})
    return Step(TABLE, params, source=source)


def _table_params(config: RunConfig) -> dict[str, Any]:
    """Return how the files are read: not where they are from, which their content stands for."""
    params = config.source.model_dump(mode="json", exclude=_WHERE_ROWS_COME_FROM)
    needed = (config.split.by, config.resample.features)
    carried = [name for name in dict.fromkeys(needed) if name is not None and name not in params["keep"]]
    return params | {"keep": [*params["keep"], *carried]}


def _settings(config: RunConfig) -> dict[str, Any]:
    """Return what makes a difference to the result, without secrets and the paths of this machine."""
    from evenly.ingest import FileSource

    of_this_machine: dict[str, Any] = {
        "compare": True,
        "executor": True,
        "handoff": True,
        "store": True,
        "store_cache": True,
        "source": _SECRETS,
    }
    settings = config.model_dump(mode="json", exclude=of_this_machine)
    settings["source"]["files"] = [FileSource((name,)).title for name in config.source.files]
    if config.train.checkpoint is not None and Path(config.train.checkpoint).is_dir():
        settings["train"]["checkpoint"] = Path(config.train.checkpoint).name
    return settings


def _weights_scheme(config: RunConfig) -> str:
    """One remedy at a time: a resampling that is named takes the place of the default weights."""
    scheme = config.weights.scheme
    return "none" if scheme == "auto" and config.resample.method != "none" else scheme


def _tokenizer(config: RunConfig) -> tuple[dict[str, Any], dict[str, Files]]:
    settings = config.tokenize
    params: dict[str, Any] = settings.model_dump(include={"kind", "vocabulary_size", "lowercase"})
    name, revision = settings.tokenizer, settings.revision
    if config.train.checkpoint is not None:  # an encoder knows the ids of its own tokenizer alone
        name, revision = config.train.checkpoint, config.train.revision
    if name is None:
        return params, {}
    found, files = _hub_or_folder(name, revision)
    return params | found, files


def _hub_or_folder(name: str, revision: str | None) -> tuple[dict[str, Any], dict[str, Files]]:
    """Return parameters and files of what is a folder, which counts by content, or a name of the hub."""
    folder = Path(name)
    if folder.is_dir():
        return {}, {"files": Files(tuple(sorted(path for path in folder.iterdir() if path.is_file())))}
    return {"name": name, "revision": revision}, {}
