"""What an export is asked for: texts or token ids, in which form, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evenly.errors import ConfigError
from evenly.export.split import check_target, export_split
from evenly.export.tokens import check_token_target, export_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Export"]


@dataclass(frozen=True)
class Export:
    """One export: `form` is ``texts`` (see `export_split`), ``parquet`` or ``tfrecord`` (see `export_tokens`)."""

    form: Literal["texts", "parquet", "tfrecord"]
    target: Path

    @classmethod
    def choose(cls, *, texts: Path | None, parquet: Path | None, tfrecord: Path | None) -> Export:
        """Return the one that is asked for.

        Raises
        ------
        ConfigError
            None is, or several are.
        """
        asked = [cls("texts", texts)] if texts is not None else []
        asked += [cls("parquet", parquet)] if parquet is not None else []
        asked += [cls("tfrecord", tfrecord)] if tfrecord is not None else []
        if len(asked) != 1:
            raise ConfigError(
                f"{len(asked)} targets are given, expected one: -o FILE for the texts (.parquet, .jsonl, .csv), "
                f"--to-parquet FILE or --to-tfrecord PATH for the token ids."
            )
        return asked[0]

    @property
    def last_stage(self) -> str:
        """The last stage of a run that it needs."""
        return "plan" if self.form == "texts" else "synthetic"

    def check(self, *, force: bool) -> None:
        """Refuse what cannot be written, before there is any work; see `check_target` and `check_token_target`."""
        if self.form == "texts":
            check_target(self.target, force=force)
        else:
            check_token_target(self.target, form=self.form, force=force)

    def write(self, made: Mapping[str, Path], *, name: str, seed: int, force: bool) -> int:
        """Write it, from the artifacts of a run by name, and return how many rows."""
        if self.form == "texts":
            table, split, plan = (made[stage] for stage in ("table", "split", "plan"))
            return export_split(table, split, plan, self.target, name=name, seed=seed, force=force)
        return export_tokens(made, self.target, form=self.form, name=name, seed=seed, force=force)
