"""The flow ``predict``: `evenly.prediction.predict_files` as a Prefect task, on files that a run names."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from evenly.config import RunConfig, load_config
from evenly.errors import SourceNotFoundError, TookTooLongError
from evenly.flows.parameters import ConfigPath, Described
from evenly.flows.retrying import RETRY_DELAYS_S, is_worth_a_retry
from evenly.flows.run_identity import introduce_run, name_run
from evenly.flows.server import leaving_without_server
from evenly.flows.stage_task import showing
from evenly.ingest import FileSource
from evenly.isolation import run_within
from evenly.mirror.address import is_url
from evenly.prediction import Predicted, predict_files
from evenly.store import Store

__all__ = ["newest_model", "predict"]

_Names = Annotated[list[str], Field(min_length=1)]
_Files = Annotated[_Names, Described("Tables: paths, patterns (days/*.csv) or URLs; relative to the config.")]
_Output = Annotated[
    str, Field(min_length=1), Described("The file to write: .parquet, .jsonl or .csv; relative to the config.")
]
_Model = Annotated[
    str | None, Described("Folder of a model. null: that of the newest run in the store that `config_path` names.")
]
_Text = Annotated[
    _Names | None, Described("The text columns, where they are called otherwise than in training. null: as there.")
]
_Keep = Annotated[_Names | None, Described("Columns of the files to carry along. null: none.")]
_Top = Annotated[
    int | None, Field(ge=1), Described("Probabilities a row. null: all, and 50 where there are more labels.")
]
_Overwrite = Annotated[bool, Described("Whether a file `output` that is there is written over.")]


@flow(name="predict", flow_run_name=name_run, persist_result=False, result_serializer="json")
def predict(  # noqa: PLR0917 - each is a field of Prefect's form
    config_path: ConfigPath,
    files: _Files,
    output: _Output,
    model: _Model = None,
    text: _Text = None,
    keep: _Keep = None,
    top: _Top = None,
    overwrite: _Overwrite = False,  # noqa: FBT002 - as above
) -> dict[str, Any]:
    """Write what a model says about every row of some files.

    Parameters
    ----------
    config_path
        The run config, a YAML file: it names the store and the keys of URLs.
    files
        Tables: paths, patterns (days/*.csv) or URLs. Paths are relative to the config, here as below: a worker runs a
        flow in a temporary folder.
    output
        The file to write: .parquet, .jsonl or .csv.
    model
        Folder of a model. null: that of the newest run in the config's store.
    text
        The text columns, where they are called otherwise than in training. null: as there.
    keep
        Columns to carry along.
    top
        Probabilities a row. null: all, and 50 where there are more labels.
    overwrite
        Whether a file that is there is written over.

    Returns
    -------
    dict
        `model`, `output` and `rejects`, paths; `rows_read`, `rows_predicted` and `reasons`, counts.
    """
    introduce_run("predict")
    config = load_config(config_path)
    files, output = [_beside(config_path, name) for name in files], _beside(config_path, output)
    folder = Path(_beside(config_path, model)) if model is not None else newest_model(config)
    settings = {"text": text or (), "keep": keep or (), "top": top, "force": overwrite}
    with leaving_without_server():
        found = _predict(config, folder, files, output, settings)
    result = {
        "model": str(folder),
        "output": str(found.target.absolute()),
        "rejects": None if found.rejects is None else str(found.rejects.absolute()),
        "rows_read": found.rows_read,
        "rows_predicted": found.rows_predicted,
        "reasons": found.reasons,
    }
    lines = "\n".join(f"| {name} | {value} |" for name, value in result.items())
    create_markdown_artifact(f"| | |\n|---|---|\n{lines}", key="evenly-predictions", description=found.target.name)
    return result


def _beside(config_path: str, name: str) -> str:
    """Return a path relative to the folder of the config; a URL as it is."""
    return name if is_url(name) else str(Path(config_path).absolute().parent / name)


@task(
    name="predict",
    task_run_name="predict",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_DELAYS_S),
    retry_delay_seconds=list(RETRY_DELAYS_S),
    retry_condition_fn=is_worth_a_retry,
)
def _predict(config: RunConfig, model: Path, files: Sequence[str], output: str, settings: dict[str, Any]) -> Predicted:
    source, limit_s = FileSource(tuple(files), config.source.storage_options), config.executor.timeout_s
    with tempfile.TemporaryDirectory(prefix="evenly-") as folder, showing():
        try:
            found = run_within(limit_s, predict_files, model, source.fetch(Path(folder)), output, **settings)
        except TookTooLongError as error:
            raise TookTooLongError(
                f"Predicting was stopped after {limit_s:g} s, the most that it may take (executor.timeout_s)."
            ) from error
    get_run_logger().info(
        "stage=predict rows=%s rejected=%s output=%s", found.rows_predicted, found.rows_rejected, found.target.name
    )
    return found


def newest_model(config: RunConfig) -> Path:
    """Return the folder of the model that the newest run in the store of a config has made or reused.

    Raises
    ------
    SourceNotFoundError
        No run has.
    """
    store = Store(config.store, config.store_cache)
    for record in store.records():
        for name in reversed(record.artifacts):
            if name.startswith("model/") and record.state == "done":
                return store.root / name if store.mirror is None else store.open(store.root / name).path
    raise SourceNotFoundError(
        f"No run in the store {config.store} has trained a model. Train one (evenly run CONFIG), or name the folder of "
        f"one as `model`."
    )
