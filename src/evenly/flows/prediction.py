"""The flow ``predict``: `evenly.prediction.predict_files` as a Prefect task, on files that a run names."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from evenly.config import RunConfig, load_config
from evenly.errors import SourceNotFoundError
from evenly.flows.parameters import ConfigPath
from evenly.flows.retrying import RETRY_DELAYS_S, is_worth_a_retry
from evenly.flows.run_identity import introduce_run, name_run
from evenly.flows.stage_task import showing
from evenly.ingest import FileSource
from evenly.prediction import Predicted, predict_files
from evenly.store import Store

__all__ = ["newest_model", "predict"]


Names = Annotated[list[str], Field(min_length=1)]
Output = Annotated[str, Field(min_length=1)]
Top = Annotated[int | None, Field(ge=1)]


@flow(name="predict", flow_run_name=name_run, persist_result=False, result_serializer="json")
def predict(  # noqa: PLR0917 - each is a field of Prefect's form
    config_path: ConfigPath,
    files: Names,
    output: Output,
    model: str | None = None,
    text: Names | None = None,
    keep: Names | None = None,
    top: Top = None,
    overwrite: bool = False,  # noqa: FBT001, FBT002 - as above
) -> dict[str, Any]:
    """Write what a model says about every row of some files.

    Parameters
    ----------
    config_path
        The run config, a YAML file: it names the store and the keys of URLs.
    files
        Tables: paths, patterns (days/*.csv) or URLs.
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
    folder = Path(model) if model is not None else newest_model(config)
    found = _predict(config, folder, files, output, {"text": text or (), "keep": keep or (), "top": top}, overwrite)
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


@task(
    name="predict",
    task_run_name="predict",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_DELAYS_S),
    retry_delay_seconds=list(RETRY_DELAYS_S),
    retry_condition_fn=is_worth_a_retry,
)
def _predict(  # noqa: PLR0917 - the parts of predict
    config: RunConfig,
    model: Path,
    files: Sequence[str],
    output: str,
    settings: dict[str, Any],
    overwrite: bool,  # noqa: FBT001 - as above
) -> Predicted:
    source = FileSource(tuple(files), config.source.storage_options)
    with tempfile.TemporaryDirectory(prefix="evenly-") as folder, showing():
        return predict_files(model, source.fetch(Path(folder)), output, **settings, force=overwrite)


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
