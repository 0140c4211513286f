"""Every Python block of the docs runs, in order, in an empty folder; the README's commands do what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from evenly.config import RunConfig
from small_tables import single_label_rows, write_csv

ROOT = Path(__file__).parents[1]
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if "```python" in page.read_text(encoding="utf-8"))


def blocks(page, language):
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(page, tmp_path):
    script = "\n".join(blocks(page, "python"))
    (tmp_path / "page.py").write_text(
        f"def main():\n{re.sub('^', '    ', script, flags=re.MULTILINE)}\n\n\nif __name__ == '__main__':\n    main()\n"
    )
    subprocess.run([sys.executable, "page.py"], cwd=tmp_path, check=True)


def test_the_commands_of_the_readme_work(tmp_path):
    rows = [list(row) for row in single_label_rows(300, {"space": 0.9, "law": 0.1})]
    write_csv(tmp_path / "table.csv", ["text", "label"], rows)
    lines = [line for block in blocks(ROOT / "README.md", "console") for line in block.splitlines()]
    commands = [line.split("#")[0].removeprefix("$ .venv/bin/evenly ") for line in lines if "bin/evenly" in line]
    assert [command.split()[0] for command in commands] == ["inspect", "init", "run"]
    for command in commands:
        more = ["--no-prefect", "--until", "shards"] if command.startswith("run") else []
        subprocess.run([sys.executable, "-m", "evenly", *shlex.split(command), *more], cwd=tmp_path, check=True)


def test_the_settings_that_the_readme_names_exist():
    for name in re.findall(r"--set (\S+?)=", (ROOT / "README.md").read_text(encoding="utf-8")):
        section, field = name.split(".")
        assert (
            field
            in type(
                getattr(RunConfig.model_construct(**{section: RunConfig.model_fields[section].default}), section)
            ).model_fields
        )
