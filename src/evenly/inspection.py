"""``evenly inspect``: a table's labels, imbalance and rejects at a glance, in the terminal.

The table is read as a run would read it, into a private temporary store; nothing is left behind.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from evenly.config import RunConfig, SourceConfig, load_config
from evenly.executor import make_executor
from evenly.flows.steps import prepare_steps
from evenly.formats import read_label_names, read_labels
from evenly.ingest import guess_source
from evenly.labels import LabelStatistics, label_statistics
from evenly.store import Artifact, Store
from evenly.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["show_table"]

BAR_WIDTH = 28
SHOWN_LABELS = 20


def show_table(path: Path) -> None:
    """Print what a run would find in a table (or in the table that a config names)."""
    config = _config_of(path)
    with tempfile.TemporaryDirectory(prefix="evenly-") as folder:
        table = _read(config, Path(folder))
        names = read_label_names(table.path)
        statistics = label_statistics(read_labels(table.path))
    console = Console(highlight=False, soft_wrap=True)
    _print_facts(console, table, statistics)
    _print_labels(console, names, statistics)


def _config_of(path: Path) -> RunConfig:
    if path.suffix in {".yaml", ".yml"}:
        return load_config(path)
    guess = guess_source(path)
    return RunConfig(source=SourceConfig.model_validate({"files": [str(path)], **guess.settings()}))


def _read(config: RunConfig, folder: Path) -> Artifact:
    step = prepare_steps(config)[0]
    executor = make_executor(**config.executor.model_dump())
    try:
        return Store(folder).build(step.stage, params=step.params, inputs=step.files, executor=executor)
    finally:
        executor.close()


def _print_facts(console: Console, table: Artifact, statistics: LabelStatistics) -> None:
    facts = table.facts
    grid = Table.grid(padding=(0, 2))
    for name, value in (
        ("task", facts["task"]),
        ("text", ", ".join(facts["text_columns"])),
        (
            "rows",
            f"{facts['rows_read']:,} read = {facts['rows_kept']:,} kept + {facts['rows_rejected']:,} rejected",
        ),
        ("labels", f"{len(statistics.counts):,}, {statistics.cardinality:.2f} a row"),
        ("imbalance", f"MeanIR {statistics.mean_ir:.1f}, largest {statistics.max_ir:.1f}"),
        ("SCUMBLE", f"{statistics.scumble:.3f}"),
    ):
        grid.add_row(f"[bold]{name}[/]", printable(str(value)))
    console.print(grid)
    for reason, count in facts["reject_reasons"].items():
        console.print(f"  [yellow]{count:,} rejected[/]: {printable(reason)}")


def _print_labels(console: Console, names: Sequence[str], statistics: LabelStatistics) -> None:
    """Print the most and the least frequent labels with bars in proportion to their rows."""
    order = sorted(range(len(names)), key=lambda label: (-statistics.counts[label], label))
    half = SHOWN_LABELS // 2
    shown = order if len(order) <= SHOWN_LABELS else [*order[:half], None, *order[-half:]]
    largest = max(int(statistics.counts.max()), 1)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("label")
    table.add_column("rows", justify="right")
    table.add_column("IRLbl", justify="right")
    table.add_column("")
    for label in shown:
        if label is None:
            table.add_row("…", "", "", f"[dim]{len(order) - SHOWN_LABELS:,} labels between[/]")
            continue
        count = int(statistics.counts[label])
        bar = "█" * max(1, round(BAR_WIDTH * count / largest)) if count else ""
        ratio = f"{statistics.irlbl[label]:.1f}" if count else "-"
        table.add_row(printable(names[label]), f"{count:,}", ratio, f"[cyan]{bar}[/]")
    console.print(table)
