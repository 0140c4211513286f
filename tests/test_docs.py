"""The docs are true: blocks run, configs load, commands exist, the reference is as the code has it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from evenly.cli import app
from evenly.config import RunConfig, load_config
from small_tables import single_label_rows, write_csv

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(app)


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page, language):
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page):
    """Return the `evenly` commands of a page, split into words."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    typed = [re.match(r"\$ (?:\S*/)?evenly (.*)", line.split(" #")[0]) for line in lines]
    return [shlex.split(found[1]) for found in typed if found]


def pages_with(found):
    return [pytest.param(page, id=name_of(page)) for page in PAGES if found(page)]


@pytest.mark.parametrize(
    "page", pages_with(lambda page: blocks(page, "python") and name_of(page) != "docs/tutorial.md")
)
def test_the_blocks_of_a_page_run(page, tmp_path):
    script = "\n".join(blocks(page, "python"))
    (tmp_path / "page.py").write_text(
        f"def main():\n{re.sub('^', '    ', script, flags=re.MULTILINE)}\n\n\nif __name__ == '__main__':\n    main()\n"
    )
    subprocess.run([sys.executable, "page.py"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("page", pages_with(lambda page: blocks(page, "yaml")))
def test_the_configs_of_a_page_load(page, tmp_path):
    for text in blocks(page, "yaml"):
        value = yaml.safe_load(text)
        if isinstance(value, dict) and set(value) <= set(RunConfig.model_fields):
            # A page may show one section alone.
            whole = {"source": {"files": "t.csv", "text": "t", "labels": {"columns": "l"}}} | value
            (tmp_path / "config.yaml").write_text(yaml.safe_dump(whole))
            load_config(tmp_path / "config.yaml")


def options_of(words):
    """Return the options of the command that some words begin with; fail where there is none."""
    command = COMMANDS
    for word in words:
        inner = getattr(command, "commands", None)
        if inner is None:
            break
        assert word in inner, f"there is no command {' '.join(words)}"
        command = inner[word]
    return {option for each in command.params for option in each.opts}


@pytest.mark.parametrize("page", pages_with(commands))
def test_the_commands_of_a_page_exist(page):
    for words in commands(page):
        given = {word.split("=")[0] for word in words if re.fullmatch(r"-\w|--[a-z-]+(=.*)?", word)}
        assert given <= options_of(words) | {"--help", "--version"}, " ".join(words)


@pytest.mark.parametrize("page", pages_with(lambda page: "--set " in page.read_text(encoding="utf-8")))
def test_the_settings_that_a_page_names_exist(page):
    for name in re.findall(r"--set ([a-z_.]+)=", page.read_text(encoding="utf-8")):
        model = RunConfig
        for part in name.split("."):
            assert part in model.model_fields, name
            model = model.model_fields[part].annotation


def run_commands(page, folder, expected):
    found = commands(page)
    assert [words[0] for words in found] == expected
    for words in found:
        more = ["--no-prefect", "--until", "shards"] if words[0] == "run" else []
        subprocess.run([sys.executable, "-m", "evenly", *words, *more], cwd=folder, check=True)


def test_the_commands_of_the_readme_work(tmp_path):
    rows = [list(row) for row in single_label_rows(300, {"space": 0.9, "law": 0.1})]
    write_csv(tmp_path / "table.csv", ["text", "label"], rows)
    run_commands(ROOT / "README.md", tmp_path, ["inspect", "init", "run"])


def test_the_tutorial_can_be_typed_as_it_stands(tmp_path):
    page = ROOT / "docs/tutorial.md"
    [script] = blocks(page, "python")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    run_commands(page, tmp_path, ["inspect", "init", "run", "run"])


def test_the_reference_is_as_the_code_has_it():
    done = subprocess.run(
        [sys.executable, ROOT / "docs/generate.py", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs-material is in the group `docs`, which `make install` has")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]*)"', page)
    assert not loaded, "the site asks a third party"
    settings = (tmp_path / "site/reference/config.html").read_text(encoding="utf-8")
    assert '<td data-label="what it does">Rows a part; bounds memory.</td>' in settings  # cards on a phone
    assert "input_ids_&lt;column&gt; for each" in settings  # a browser would take <column> for an element


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
    for picture in (ROOT / "docs/images").iterdir():
        assert picture.stat().st_size < 150_000, picture.name
