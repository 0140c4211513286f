"""`evenly compare`: every strategy with every seed as an ordinary run, then the stage that sets them side by side.

Nothing of Prefect here (`evenly.flows.comparison` is the flow). Table, split, tokenizer, shards and baseline are built
once and taken by all runs; weights, plan, synthetic rows and model are a run's own. What the store has is reused, so
that another seed or strategy trains only its own models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evenly.comparison import COMPARISON, SAMPLE, Cut, make_strategies
from evenly.comparison.budget import Speed, fit_budget
from evenly.config import load_config
from evenly.errors import ConfigError
from evenly.flows.steps import Step, make_source, prepare_steps, train_steps
from evenly.flows.walk import build_step, walk_steps
from evenly.formats import read_split
from evenly.progress import Finished, translating
from evenly.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from evenly.comparison import Strategy
    from evenly.config import RunConfig
    from evenly.flows.walk import Site
    from evenly.progress import Event
    from evenly.store import Artifact

__all__ = ["run_comparison"]

_GROUND = ("table", "checks", "split")
_SHARED = ("tokenizer", "shards", "baseline", "encoder", "embeddings")
_OWN = ("weights", "plan", "synthetic", "synthetic_embeddings", "model")
_PILOT_ROWS = 5_000
_PILOT_EPOCHS = (1, 10)


def run_comparison(
    config_path: Path | str,
    overrides: dict[str, Any] | None = None,
    *,
    budget_minutes: float | None = None,
    only: Sequence[str] = (),
    build: Callable[[Site, Step, dict[str, Artifact]], Artifact] = build_step,
) -> dict[str, Artifact]:
    """Train what is compared, where the store does not have it, and compare it.

    Parameters
    ----------
    config_path, overrides
        The run config, and dotted names to values that go over it.
    budget_minutes
        For the training of all models: epochs, then rows, are cut until it fits, by what a short run takes here.
        None: nothing is cut.
    only
        Names of strategies, of the config's or evenly's own; the reference is always there. None: all.
    build
        Builds or reuses one step.

    Returns
    -------
    dict
        `comparison`, and the artifacts that all runs share, by the names of their stages.

    Raises
    ------
    ConfigError
        A strategy is unknown, or sets what all must share.
    """
    plan = _Plan(config_path, overrides or {}, load_config(config_path, overrides), tuple(only), build)
    with Store(plan.config.store, plan.config.store_cache).recording("compare", make_source(plan.config.source).title):
        return plan.run(budget_minutes)


@dataclass(frozen=True)
class _Plan:
    """A comparison that is under way."""

    path: Path | str
    overrides: dict[str, Any]
    config: RunConfig
    only: tuple[str, ...]
    build: Callable[[Site, Step, dict[str, Artifact]], Artifact]

    def run(self, budget_minutes: float | None) -> dict[str, Artifact]:
        made = self._walk(_named(self.config, _GROUND), {})
        strategies = make_strategies(self._wanted(), made["table"].facts["task"])
        seeds = [self.config.seed + number for number in range(self.config.compare.seeds)]
        settings = self._check(strategies)
        cut = Cut(self.config.train.epochs, None, ())
        if budget_minutes is not None:
            cut = self._afford(budget_minutes, made, settings[strategies[0].name], len(strategies) * len(seeds))
        made = self._share(made, cut.rows)
        runs = [(strategy.name, seed) for seed in seeds for strategy in strategies]
        models = {run: self._train(run, settings[run[0]], cut.epochs, made) for run in runs}
        return made | {"comparison": self._compare(made, strategies, models, cut)}

    def _wanted(self) -> dict[str, dict[str, Any] | None] | None:
        """Return name to settings of what is compared; None: evenly's own."""
        given = self.config.compare.strategies
        return {name: (given or {}).get(name) for name in self.only} if self.only else given

    def _check(self, strategies: Sequence[Strategy]) -> dict[str, dict[str, Any]]:
        """Return the overrides of each strategy; refuse one that would change what all share."""
        settings = {strategy.name: self.overrides | strategy.settings for strategy in strategies}
        shared = {step.stage.name: step for step in _named(self.config, _GROUND + _SHARED)}
        for name, given in settings.items():
            steps = {step.stage.name: step for step in _named(load_config(self.path, given), _GROUND + _SHARED)}
            changed = [stage for stage in {**shared, **steps} if shared.get(stage) != steps.get(stage)]
            if changed:
                raise ConfigError(
                    f"compare.strategies.{name} changes {', '.join(changed)}, which all strategies share. Set it for "
                    f"the whole config, outside compare.strategies."
                )
        return settings

    def _afford(self, minutes: float, made: dict[str, Artifact], settings: dict[str, Any], n_runs: int) -> Cut:
        """Measure two short runs of the reference and cut what does not fit."""
        n_rows = len(read_split(made["split"].path).rows("train"))
        shared = self._share(made, _PILOT_ROWS if n_rows > _PILOT_ROWS else None)
        found = []
        for epochs in _PILOT_EPOCHS:
            model = self._train(("pilot", epochs), settings, epochs, shared, seed=self.config.seed)["model"]
            found.append(((model.manifest.rows or 0) * model.facts["epochs"], model.manifest.seconds))
        speed = Speed.between(*found)
        return fit_budget(minutes, speed, n_runs=n_runs, n_rows=n_rows, epochs=self.config.train.epochs)

    def _share(self, made: dict[str, Artifact], rows: int | None) -> dict[str, Artifact]:
        """Return the artifacts that all runs take, of all rows or of a sample."""
        if rows is not None:
            step = Step(SAMPLE, {"rows": rows, "seed": self.config.seed}, ("table", "split"))
            made = made | {"split": self._walk([step], made)["sample"]}
        return self._walk(_named(self.config, _SHARED), made)

    def _train(
        self,
        run: tuple[str, int],
        settings: dict[str, Any],
        epochs: int,
        made: dict[str, Artifact],
        seed: int | None = None,
    ) -> dict[str, Artifact]:
        """Build one model; what is told of it bears the name of the run."""
        name, number = run
        own = {"train.seed": number, "resample.seed": number} if seed is None else {"train.seed": seed}
        wanted = load_config(self.path, settings | own)
        config = load_config(self.path, settings | own | {"train.epochs": min(epochs, wanted.train.epochs)})
        of = f"{name} {number}"
        with _telling_of(of):
            return self._walk([replace(step, of=of) for step in _named(config, _OWN)], made)

    def _walk(self, steps: Sequence[Step], made: dict[str, Artifact]) -> dict[str, Artifact]:
        return walk_steps(self.config, steps, made, self.build)

    def _compare(
        self,
        made: dict[str, Artifact],
        strategies: Sequence[Strategy],
        models: dict[tuple[str, int], dict[str, Artifact]],
        cut: Cut,
    ) -> Artifact:
        inputs = {f"model_{number}": each["model"] for number, each in enumerate(models.values())}
        runs = [
            {"strategy": strategy, "seed": seed, "model": f"model_{number}", "seconds": _seconds(each)}
            for number, ((strategy, seed), each) in enumerate(models.items())
        ]
        params = {
            "title": make_source(self.config.source).title,
            "runs": runs,
            "strategies": {strategy.name: strategy.settings for strategy in strategies},
            "metric": self.config.compare.metric,
            "cuts": list(cut.sentences),
        }
        shared = tuple(name for name in ("table", "split", "baseline") if name in made)
        step = Step(COMPARISON, params, (*shared, *inputs))
        return self._walk([step], made | inputs)["comparison"]


def _named(config: RunConfig, names: Sequence[str]) -> list[Step]:
    """Return the steps of a config whose stages are named, in the order of the run."""
    return [step for step in [*prepare_steps(config), *train_steps(config)] if step.stage.name in names]


def _seconds(made: dict[str, Artifact]) -> float:
    """Return what a run took that others did not need: weights, plan, synthetic rows and training."""
    return round(sum(made[name].manifest.seconds for name in _OWN if name in made), 1)


def _telling_of(name: str) -> AbstractContextManager[None]:
    """Let what is told of a model in the body bear the name of its run; small stages are not told of."""

    def rename(event: Event) -> Event | None:
        if event.stage != "model":
            return None
        if isinstance(event, Finished):
            return replace(event, stage=name, notes=event.notes[:1])
        return replace(event, stage=name)

    return translating(rename)
