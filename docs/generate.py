"""Write the pages of the reference that follow from the code: ``python docs/generate.py`` (``--check`` only looks).

`docs/reference/config.md` comes from the pydantic models of `evenly.config`, `docs/reference/commands.md` from the
commands of `evenly.cli`. A test compares, so that neither can drift.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from evenly.cli import app
from evenly.config import RunConfig

FOLDER = Path(__file__).parent / "reference"
SAID = "<!-- Written by docs/generate.py from the code: change it there. -->"

ABOUT_SETTINGS = """\
A config is a YAML file of sections; `evenly init TABLE` writes one. Only `source` has settings without a default.
Each can be given for one run: `--set train.epochs=3`. An unknown name is refused, with the nearest known one. Paths
are relative to the config."""
EXIT_CODES = """\
Exit codes: 0 done; 1 a defect of evenly; 2 bad input, config or arguments, said in one paragraph; 3 a warning of
`evenly inspect --strict`, trouble found by `doctor`, damage found by `store verify`; 130 interrupted."""


def main() -> int:
    """Write the pages, or say which are not as the code has them."""
    pages = {"config.md": config_page(), "commands.md": commands_page()}
    if "--check" not in sys.argv:
        for name, text in pages.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    stale = [name for name, text in pages.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    if stale:
        print(f"docs/reference: {', '.join(stale)} not as in the code: run python docs/generate.py")
    return bool(stale)


def config_page() -> str:
    """Return the page of the settings."""
    top = {name: field for name, field in RunConfig.model_fields.items() if model_of(field.annotation) is None}
    sections = [
        "# Settings",
        SAID,
        ABOUT_SETTINGS,
        "## Top level",
        table_of(top),
        *sections_of(RunConfig, ""),
    ]
    return "\n\n".join(sections) + "\n"


def sections_of(model: type[BaseModel], prefix: str) -> list[str]:
    """Return heading, sentence and table of each section within a model."""
    found = []
    for name, field in model.model_fields.items():
        inner = model_of(field.annotation)
        if inner is not None:
            plain = {key: each for key, each in inner.model_fields.items() if model_of(each.annotation) is None}
            sentence = (
                (inner.__doc__ or "")
                .strip()
                .replace(
                    " Defaults by measurement (docs/explanations/over-sampling.md).",
                    " Defaults [by measurement](../explanations/over-sampling.md).",
                )
            )
            found += [f"## {prefix}{name}", sentence, table_of(plain), *sections_of(inner, f"{prefix}{name}.")]
    return found


def model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field holds, if it holds one."""
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def table_of(fields: dict[str, Any]) -> str:
    """Return settings as a table."""
    rows = ["| setting | value | default | what it does |", "|---|---|---|---|"]
    for name, field in fields.items():
        cells = (f"`{name}`", value_of(field), default_of(field), escape(field.description or ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)


def escape(sentence: str) -> str:
    """Return a sentence of the code as Markdown shows it; what stands between backticks is shown as it is."""
    parts = sentence.split("`")
    parts[::2] = [html.escape(part, quote=False).replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


def value_of(field: Any) -> str:
    """Return in words what a setting takes."""
    bounds = []
    for rule in field.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if getattr(rule, name, None) is not None:
                bounds.append(f"{sign} {getattr(rule, name):,}")
    return ", ".join([describe(field.annotation), *bounds])


WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null", Any: "any"}


def describe(annotation: Any) -> str:  # noqa: PLR0911 - a line for each kind of type
    """Return a type in words."""
    if annotation in WORDS:
        return WORDS[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return describe(inner[0])
    if origin is not None and "Literal" in str(origin):
        return ", ".join(f"`{each}`" for each in inner)
    if origin in (tuple, list):
        return f"list of {describe(inner[0])}"
    if origin is dict:
        return "mapping"
    if inner:
        return " or ".join(describe(each) for each in inner)
    return "size, such as `64MiB`" if annotation.__name__ == "ByteSize" else annotation.__name__


def default_of(field: Any) -> str:
    """Return the default as YAML has it."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    shown = {None: "null", True: "true", False: "false", (): "[]"}
    if isinstance(value, bool | None | tuple) and value in shown:
        return f"`{shown[value]}`"
    return f"`{value}`"


def commands_page() -> str:
    """Return the page of the commands."""
    group = typer.main.get_command(app)
    parts = [
        "# Commands",
        SAID,
        EXIT_CODES,
        "| command | does |\n|---|---|\n"
        + "\n".join(
            f"| [`evenly {name}`](#{name.replace(' ', '-')}) | {first_line(each)} |"
            for name, each in commands_of(group)
        ),
    ]
    for name, each in commands_of(group):
        parts += [f"## {name}", first_line(each), f"```text\n{usage_of(name, each)}\n```", parameters_of(each)]
    return "\n\n".join(part for part in parts if part) + "\n"


def commands_of(group: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return full names and commands, those of groups after them."""
    found = []
    for name, each in sorted(group.commands.items()):
        if not each.hidden:
            found += commands_of(each, f"{prefix}{name} ") if hasattr(each, "commands") else [(f"{prefix}{name}", each)]
    return found


def first_line(command: Any) -> str:
    """Return what a command does."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def usage_of(name: str, command: Any) -> str:
    """Return the line that is typed."""
    words = []
    for each in command.params:
        if each.param_type_name == "argument":
            words.append(each.name.upper() if each.required else f"[{each.name.upper()}]")
        elif each.required:
            words.append(f"{each.opts[0]} {value_name(each, command)}")
    return " ".join(["evenly", name, *words, "[OPTIONS]"])


def value_name(option: Any, command: Any) -> str:
    """Return what stands for the value of an option."""
    shown = option.metavar or option.display_type(typer.Context(command)).strip("<>").upper()
    return {"INT RANGE": "NUMBER", "FLOAT RANGE": "NUMBER", "STR": "TEXT"}.get(shown, shown)


def parameters_of(command: Any) -> str:
    """Return arguments and options as a table."""
    rows = []
    for each in command.params:
        if each.param_type_name == "argument":
            name = f"`{each.name.upper()}`"
        else:
            takes = "" if each.is_flag else f" {value_name(each, command)}"
            name = ", ".join(f"`{option}{takes}`" for option in [*each.opts, *each.secondary_opts])
        does = escape(" ".join((getattr(each, "help", None) or "").split()))
        default = "" if each.default in (None, False) else f" Default: `{each.default}`."
        rows.append(f"| {name} | {(does + default).replace('|', chr(92) + '|')} |")
    return "| argument, option | does |\n|---|---|\n" + "\n".join(rows) if rows else ""


if __name__ == "__main__":
    sys.exit(main())
