"""Commands that take a trained model: ``predict``, ``card``, ``export-model``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from evenly.cli.app import app
from evenly.cli.options import Debug, Quiet
from evenly.errors import ConfigError

__all__ = ["card", "export_model", "predict"]

Model = Annotated[Path, typer.Argument(help="The folder of a model, as `evenly run` names it, or a copy of it.")]


@app.command()
def predict(
    model: Model,
    table: Annotated[str, typer.Argument(help="A table, as `evenly init` takes it; it needs no labels.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file: .parquet, .jsonl or .csv.")],
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="The text column, where it has another name than in training."),
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column to carry along.")] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Probabilities a row; else all, and 50 where there are more labels.")
    ] = None,
    query: Annotated[str | None, typer.Option(metavar="SQL", help="Of a database: whose rows are the table.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the labels and probabilities that a model gives to the rows of a table."""
    from evenly.config import SourceConfig
    from evenly.flows.first_config import name_source
    from evenly.flows.steps import make_source
    from evenly.prediction import predict_files
    from evenly.terminal import show_run

    place = name_source(table, query)
    source = make_source(SourceConfig.model_validate(place | {"text": "text", "labels": {"columns": "none"}}))
    with show_run(quiet=quiet), tempfile.TemporaryDirectory(prefix="evenly-") as folder:
        files = source.fetch(Path(folder))
        found = predict_files(
            model, files, output, text=tuple(text or ()), keep=tuple(keep or ()), top=top, force=force
        )
    if not quiet:
        typer.echo(
            f"{found.rows_read:,} rows read, {found.rows_predicted:,} predicted, {found.rows_rejected:,} rejected"
        )
        for reason, count in found.reasons.items():
            typer.echo(f"  {count:,} {reason}")
        if found.rejects is not None:
            typer.echo(f"rejects  {found.rejects}")


@app.command()
def card(
    model: Model,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; else it is printed.")
    ] = None,
    license_name: Annotated[
        str | None, typer.Option("--license", metavar="NAME", help="For the metadata: apache-2.0")
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="For the metadata: en")] = None,
    debug: Debug = False,
) -> None:
    """Write the model card: results with intervals, data, lineage; Markdown with Hugging Face metadata."""
    from evenly.train.model_card import render_card

    text = render_card(model, license=license_name, language=language)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot write {output}: {error.strerror}. Give another place with -o.") from error


@app.command("export-model")
def export_model(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder (savedmodel) or a file (onnx).")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="savedmodel or onnx.")] = "savedmodel",
    debug: Debug = False,
) -> None:
    """Write the network for another run time; its input is padded token ids, its output probabilities."""
    from evenly.train.network_export import export_network

    export_network(model, output, to=to)
    typer.echo(f"Wrote {output}")
