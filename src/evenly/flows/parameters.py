"""The parameters of the flows: what Prefect's form shows, and what is refused before a run exists.

`Overrides` is the run config made flat: every setting under its dotted name, with the description, the choices and
the range that `evenly.config` gives it, and none of them required. A run lays those that are given over the config
file; a nested override would have to repeat a whole section.

A parameter is described by `Described` in its annotation: Prefect takes descriptions from Google's docstrings alone,
and sets the one that `Field` has to nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
    create_model,
    model_serializer,
    model_validator,
)

from evenly.config import RunConfig
from evenly.errors import ConfigError, nearest

__all__ = [
    "ConfigPath",
    "Described",
    "Given",
    "Overrides",
    "PrepareStage",
    "Prepared",
    "Until",
    "UntilPrepared",
    "flat_settings",
    "make_overrides",
    "plain",
]


@dataclass(frozen=True)
class Described:
    """Says in the JSON schema of an annotated type what it is for; Prefect's form shows that beside its name."""

    text: str

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema of the type with the description."""
        return handler(core_schema) | {"description": self.text}


PrepareStage = Literal[
    "table",
    "checks",
    "split",
    "stats",
    "weights",
    "encoder",
    "embeddings",
    "plan",
    "tokenizer",
    "shards",
    "synthetic",
]
Stage = Literal[PrepareStage, "baseline", "synthetic_embeddings", "model", "report"]
ConfigPath = Annotated[
    str,
    Field(min_length=1),
    Described("The run config, a YAML file as `evenly init` writes it, on the machine that runs this."),
]
_UNTIL = Described("The last stage to build. null: all of them.")
UntilPrepared = Annotated[PrepareStage | None, _UNTIL]
Until = Annotated[Stage | None, _UNTIL]
Prepared = Annotated[
    dict[str, str] | None,
    Described("What `prepare` returned: stages, and the folders of their artifacts. null: found or built."),
]
# Their keys may stand behind the name, too: source.labels.rename.old
_OPEN = ("source.labels.rename", "source.storage_options")
_WITH_PASSWORD = r"://[^/@:]*:[^$@][^@]*@"  # noqa: S105 - what one looks like
_SIZE = WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})


def flat_settings() -> dict[str, Any]:
    """Return every setting of a run config: dotted name to pydantic field."""
    return dict(_flatten(RunConfig, ""))


def _flatten(model: type[BaseModel], prefix: str) -> list[tuple[str, Any]]:
    found = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _flatten(field.annotation, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", field))
    return found


class _Given(BaseModel):
    """Settings that are given; all others are as the config has them."""

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for name in given:
            if name not in known and not any(name.startswith(f"{opened}.") for opened in _OPEN):
                raise ValueError(f"unknown setting {name!r}{nearest(name, known)}")
        _refuse_secrets(given)
        return given

    @model_serializer(mode="plain")
    def _serialize(self) -> dict[str, Any]:
        return plain(self)


def _refuse_secrets(given: dict[str, Any]) -> None:
    """Parameters are shown to everybody who may open Prefect's pages."""
    database = given.get("source.database")
    if isinstance(database, str) and re.search(_WITH_PASSWORD, database):
        raise ValueError(
            "source.database holds a password, and parameters of a run can be read in Prefect: "
            "write $NAME for it, and set NAME in the environment of the worker"
        )
    for name, value in _storage_options(given).items():
        secret = any(word in name.lower() for word in ("secret", "password", "token", "key"))
        if secret and isinstance(value, str) and not value.startswith("$"):
            raise ValueError(
                f"source.storage_options.{name} holds a secret, and parameters of a run can be read in Prefect: "
                f"write $NAME for it, and set NAME in the environment of the worker"
            )


def _storage_options(given: dict[str, Any]) -> dict[str, Any]:
    prefix = "source.storage_options."
    whole = given.get("source.storage_options")
    parts = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
    return (whole if isinstance(whole, dict) else {}) | parts


_SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _fit_form(schema: dict[str, Any]) -> None:
    """Let the form leave out of its answer what nobody has touched, and say the range, of which it shows nothing.

    A setting that is not given has the config's value, so no default stands here. Where the form draws a switch it
    always answers, with false: it is given two choices to draw instead.
    """
    schema.pop("default", None)
    for each in (schema, *schema.get("anyOf", ())):
        if each.get("type") == "boolean":
            del each["type"]
            each.update(enum=[True, False], **({} if each is schema else {"title": "bool"}))
        bounds = [f"{sign} {each[name]:,}".removesuffix(".0") for name, sign in _SIGNS.items() if name in each]
        if bounds:
            schema["description"] += f" Range: {', '.join(bounds)}."


def _optional(name: str, field: Any) -> Any:
    """Return the pydantic field of an override: the same checks, not required."""
    annotation: Any = field.annotation
    if annotation == tuple[str, ...]:
        annotation = tuple[str, ...] | str  # one name may stand for a list of one, as in the config
    if annotation is ByteSize:
        annotation = Annotated[ByteSize, _SIZE]
    for constraint in field.metadata:
        annotation = Annotated[annotation, constraint]
    default = "" if field.is_required() else f" Config's own default: {_word(field.get_default())}."
    described = (field.description or "") + default
    return (
        annotation,
        Field(None, alias=name, title=name, description=described.strip(), json_schema_extra=_fit_form),
    )


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(list(value) if isinstance(value, tuple) else value)


def _open_schema(schema: dict[str, Any]) -> None:
    """Let the server refuse unknown names as pydantic does here."""
    schema["additionalProperties"] = False
    schema["properties"]["source.database"]["not"] = {"type": "string", "pattern": _WITH_PASSWORD}
    schema["patternProperties"] = {f"^{name.replace('.', '[.]')}[.]": {} for name in _OPEN}


_fields: dict[str, Any] = {name.replace(".", "__"): _optional(name, field) for name, field in flat_settings().items()}
Overrides = create_model("Overrides", __base__=_Given, **_fields)
Overrides.__doc__ = "Settings that go over those of the config, each under its dotted name."
Overrides.model_config["json_schema_extra"] = _open_schema
Overrides.model_rebuild(force=True)
Given = Annotated[
    Overrides | None,
    Described("Settings that go over those of the config: each is as there unless given. null: all as there."),
]


def make_overrides(given: dict[str, Any]) -> Any:
    """Return the `Overrides` of dotted names to values.

    Raises
    ------
    ConfigError
        A name is unknown, or a value is not taken; what was given is not repeated, for it may be a secret.
    """
    try:
        return Overrides.model_validate(given)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}".removeprefix(": ")
            for each in error.errors(include_input=False)
        )
        raise ConfigError(f"--set: {said}.") from error


def plain(overrides: BaseModel | dict[str, Any] | None) -> dict[str, Any]:
    """Return the settings that are given, as `evenly.config.load_config` takes them."""
    if overrides is None or isinstance(overrides, dict):
        return overrides or {}
    names = {name: field.alias or name for name, field in type(overrides).model_fields.items()}
    given = {names[name]: getattr(overrides, name) for name in overrides.model_fields_set if name in names}
    found = given | (overrides.model_extra or {})
    return {name: list(value) if isinstance(value, tuple) else _number(value) for name, value in sorted(found.items())}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, ByteSize) else value
