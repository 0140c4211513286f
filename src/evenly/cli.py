"""The ``evenly`` command.

Exit codes: 0 done; 1 a defect of evenly (please report it); 2 bad input, config or arguments, said in one
paragraph; 3 a warning of ``evenly inspect --strict``; 130 interrupted. Heavy
libraries are imported by the command that needs them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenly import __version__
from evenly.errors import ConfigError, EvenlyError

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(
    name="evenly",
    help="Make imbalanced text tables ready for training, and train on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
EXIT_BAD_INPUT = 2
EXIT_WARNED = 3
EXIT_INTERRUPTED = 130
INTERRUPT_GRACE_S = 3.0


def main() -> None:
    """Run the command line."""
    with _leaving_soon_when_interrupted() as interrupted:
        try:
            app()
        except EvenlyError as error:
            if "--debug" in sys.argv:
                raise
            typer.secho(f"evenly: {error}", err=True, fg="red")
            sys.exit(EXIT_BAD_INPUT)
        except (KeyboardInterrupt, SystemExit):
            if interrupted.is_set():
                sys.exit(EXIT_INTERRUPTED)
            raise


@contextmanager
def _leaving_soon_when_interrupted() -> Iterator[threading.Event]:
    """Let Ctrl-C end the body within seconds; the event tells whether it came.

    Ctrl-C reaches Prefect's own server too, and Prefect then tries for a minute to tell it what happened. Nothing
    is lost by not waiting: a build may be killed at any moment.
    """
    interrupted = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        interrupted.set()
        typer.echo("evenly: interrupted; what is finished is kept, the same command goes on from there.", err=True)
        timer = threading.Timer(INTERRUPT_GRACE_S, os._exit, [EXIT_INTERRUPTED])
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, leave)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"evenly {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", "-o", help="Where everything goes.")] = Path("evenly-demo"),
    rows: Annotated[int, typer.Option(min=500, help="At most so many docstrings.")] = 20_000,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run the whole pipeline on real text: the docstrings of the Python packages installed here."""
    from evenly.demo import prepare_demo
    from evenly.terminal import show_run

    with show_run(quiet=quiet):
        config = prepare_demo(folder, rows)
    _run(config, {}, None, quiet=quiet)


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
    from evenly.terminal import show_progress

    if output.exists() and not force:
        raise ConfigError(f"{output} is there already. Write another file with -o, or over this one with --force.")
    with show_progress(quiet=False):
        first = guess_config(table, store=output.parent / "evenly-store", query=query)
    if write_config(output, first.config, first.reasons):
        typer.echo(f"The password is not written: export {PASSWORD_VARIABLE.removeprefix('$')}=...")
    for field, reason in first.reasons.items():
        typer.echo(f"{field:<10} {reason}")
    typer.echo(f"Wrote {output}. Look it over, then: evenly run {output}")


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="A config, as `evenly init` writes it.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Goes over the config: train.epochs=3"),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="The last stage to build.")] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the artifacts are kept.")] = None,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="The same stages, without a Prefect run: starts sooner.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run the pipeline; what is there already and unchanged is reused."""
    _run(config, _parse_overrides(settings, store), until, quiet=quiet, with_prefect=not no_prefect)


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
    config: Annotated[Path, typer.Argument(help="A config, as `evenly init` writes it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file: .parquet, .jsonl or .csv.")],
    split: Annotated[str, typer.Option(metavar="SPLIT", help="train, validation or test.")] = "train",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Goes over the config: resample.method=mlsmote"),
    ] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the artifacts are kept.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the rows of a split, resampled and shuffled, as one file for another trainer."""
    from evenly.config import load_config
    from evenly.export import check_target, export_split
    from evenly.flows.steps import cut_after, prepare_steps
    from evenly.flows.walk import walk_steps
    from evenly.terminal import show_run

    check_target(output, force=force)
    loaded = load_config(config, _parse_overrides(settings, store))
    with show_run(quiet=quiet):
        made = walk_steps(loaded, cut_after(prepare_steps(loaded), "plan"), {})
        table, rows, plan = (made[name].path for name in ("table", "split", "plan"))
        export_split(table, rows, plan, output, name=split, seed=loaded.seed, force=force)


def _parse_overrides(settings: list[str] | None, store: Path | None) -> dict[str, Any]:
    overrides = dict(_parse_setting(setting) for setting in settings or [])
    return overrides if store is None else overrides | {"store": str(store.absolute())}


def _run(path: Path, overrides: dict[str, Any], until: str | None, *, quiet: bool, with_prefect: bool = True) -> None:
    from evenly.terminal import show_result, show_run

    with show_run(quiet=quiet):
        result = (_run_flow if with_prefect else _run_stages)(path, overrides, until)
    if not quiet:
        show_result(result)


def _run_stages(path: Path, overrides: dict[str, Any], until: str | None) -> dict[str, Any]:
    from evenly.config import load_config
    from evenly.flows.steps import cut_after, prepare_steps, train_steps
    from evenly.flows.walk import summarize, walk_steps

    config = load_config(path, overrides)
    steps = cut_after([*prepare_steps(config), *train_steps(config)], until)
    return summarize(walk_steps(config, steps, {}))


def _run_flow(path: Path, overrides: dict[str, Any], until: str | None) -> dict[str, Any]:
    from evenly.config import load_config
    from evenly.progress import Started, emit

    load_config(path, overrides)  # what is wrong with it is said before Prefect starts, which takes seconds
    emit(Started("prefect"))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # errors are told here, in one paragraph
    from evenly.flows.pipeline import pipeline

    return pipeline(str(path), overrides, until)


def _parse_setting(setting: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = setting.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set takes KEY=VALUE, such as train.epochs=3, and got {setting!r}.")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {name}: {value!r} is not a YAML value: {error}") from error
