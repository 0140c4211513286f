"""A table or a config in, the artifacts that an inspection looks at and its figures out."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenly.config import load_config
from evenly.errors import ConfigError
from evenly.flows.first_config import guess_config
from evenly.flows.steps import cut_after, make_source, prepare_steps
from evenly.flows.walk import walk_steps
from evenly.inspection.figures import collect_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evenly.config import RunConfig

__all__ = ["inspect_source"]

_CONFIGS = {".yaml", ".yml"}


def inspect_source(source: str, near_duplicates: float | None = None, *, query: str | None = None) -> dict[str, Any]:
    """Return the figures of an inspection; `evenly.inspection.figures` documents the keys.

    Parameters
    ----------
    source
        A table as `evenly init` takes it, or the path of a config (.yaml), whose store then keeps what is built.
    near_duplicates
        Jaccard similarity from which two texts count as one; None: as the config says.
    query
        Where `source` is a database: the SQL whose rows are the table.

    Raises
    ------
    EvenlyError
        The table or the config cannot be used, as a run would say.
    """
    with _configured(source, query) as given:
        config = given if near_duplicates is None else _with_near_duplicates(given, near_duplicates)
        made = walk_steps(config, cut_after(prepare_steps(config), "checks"), {})
        return collect_figures(made["table"].path, made["checks"].path, title=make_source(config.source).title)


def _with_near_duplicates(config: RunConfig, similarity: float) -> RunConfig:
    checks = config.checks.model_copy(update={"near_duplicates": similarity})
    return config.model_copy(update={"checks": checks})


@contextmanager
def _configured(source: str, query: str | None) -> Iterator[RunConfig]:
    """Yield the config; that of a bare table is guessed and has a store that is gone afterwards."""
    if Path(source).suffix.lower() in _CONFIGS:
        if query is not None:
            raise ConfigError(f"--query goes with a database; the config {source} says itself what to read.")
        yield load_config(source)
        return
    with tempfile.TemporaryDirectory(prefix="evenly-") as folder:
        yield guess_config(source, store=Path(folder), query=query).config
