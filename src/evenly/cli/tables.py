"""Commands that look at a table or write one: ``init``, ``inspect``, ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evenly.cli.app import app
from evenly.cli.options import EXIT_WARNED, Config, Debug, Quiet, Settings, StorePlace, parse_overrides
from evenly.errors import ConfigError

__all__ = ["export", "init", "inspect"]


@app.command()
def init(
    table: Annotated[
        str,
        typer.Argument(
            help="A file (CSV, TSV, JSON, JSONL, parquet, Arrow, Excel), a glob, a URL, a folder, a database "
            "(sqlite:///file.db, with --query) or a data set on the Hugging Face hub."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The config to write.")] = Path("config.yaml"),
    query: Annotated[str | None, typer.Option(metavar="SQL", help="Of a database: whose rows are the table.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a config that is there.")] = False,
    debug: Debug = False,
) -> None:
    """Look at a table, guess its text and label columns, and write a commented config."""
    from evenly.config_writer import PASSWORD_VARIABLE, write_config
    from evenly.flows.first_config import guess_config
    from evenly.terminal import show_progress, shown

    if output.exists() and not force:
        raise ConfigError(f"{output} is there already. Write another file with -o, or over this one with --force.")
    with show_progress(quiet=False):
        first = guess_config(table, store=output.parent / "evenly-store", query=query)
    if write_config(output, first.config, first.reasons):
        typer.echo(f"The password is not written: export {PASSWORD_VARIABLE.removeprefix('$')}=...")
    for field, reason in first.reasons.items():
        typer.echo(f"{field:<10} {shown(reason)}")
    typer.echo(f"Wrote {output}. Look it over, then: evenly run {output}")


@app.command()
def inspect(
    table: Annotated[
        str, typer.Argument(help="A table, as `evenly init` takes it, or a config (.yaml) that names one.")
    ],
    query: Annotated[str | None, typer.Option(metavar="SQL", help="Of a database: whose rows are the table.")] = None,
    near_duplicates: Annotated[
        float | None,
        typer.Option(min=0.5, max=0.99, metavar="SIMILARITY", help="Look for texts that are nearly the same: 0.8"),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as a page, too.")] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the figures for programs; -: print them, nothing else.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 3 where there is a warning.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print warnings only.")] = False,
    debug: Debug = False,
) -> None:
    """Show what is wrong with a table before anything is trained: rows, texts, labels, and what to do."""
    from evenly.inspection import inspect_source, print_glance, print_warnings, render_figures, write_output
    from evenly.terminal import open_console, show_progress

    with show_progress(quiet=quiet):
        figures = inspect_source(table, near_duplicates, query=query)
    if html is not None:
        from evenly.report.page import render_inspection

        write_output(html, render_inspection(figures))
    if json is not None and json != "-":
        write_output(Path(json), render_figures(figures))
    if json == "-":
        typer.echo(render_figures(figures), nl=False)
    else:
        (print_warnings if quiet else print_glance)(open_console(), figures)
    if strict and any(each["severity"] == "warning" for each in figures["advice"]):
        raise typer.Exit(EXIT_WARNED)


@app.command()
def export(
    config: Config,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The texts: .parquet, .jsonl or .csv.")
    ] = None,
    to_parquet: Annotated[
        Path | None, typer.Option("--to-parquet", metavar="FILE", help="The token ids, as parquet.")
    ] = None,
    to_tfrecord: Annotated[
        Path | None,
        typer.Option("--to-tfrecord", metavar="PATH", help="The token ids, as FILE.tfrecord or a folder of such."),
    ] = None,
    split: Annotated[str, typer.Option(metavar="SPLIT", help="train, validation or test.")] = "train",
    settings: Settings = None,
    store: StorePlace = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the rows of a split, resampled and shuffled, for another trainer: texts, or token ids."""
    from evenly.config import load_config
    from evenly.export import Export
    from evenly.flows.steps import cut_after, prepare_steps
    from evenly.flows.walk import walk_steps
    from evenly.terminal import show_run

    wanted = Export.choose(texts=output, parquet=to_parquet, tfrecord=to_tfrecord)
    wanted.check(force=force)
    loaded = load_config(config, parse_overrides(settings, store))
    with show_run(quiet=quiet):
        made = walk_steps(loaded, cut_after(prepare_steps(loaded), wanted.last_stage), {})
        paths = {name: artifact.path for name, artifact in made.items()}
        wanted.write(paths, name=split, seed=loaded.seed, force=force)
