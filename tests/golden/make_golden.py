"""The golden artifacts: ``python tests/golden/make_golden.py FOLDER`` writes those of the present format version.

Run once when `evenly.manifest.FORMAT_VERSION` is raised, into a folder of that version (``tests/golden/v3``). What an
older version has written is never made anew: that it can still be read is the point.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from evenly.config import RunConfig
from evenly.flows.steps import cut_after, prepare_steps
from evenly.flows.walk import walk_steps
from evenly.manifest import MANIFEST_NAME

ROWS = [
    ("The rocket left the pad. Its orbit is high.", ["space"], "train"),
    ("Bread rises in the oven. Butter melts on it.", ["food"], "train"),
    ("A comet crossed the orbit. The probe saw it.", ["space"], "train"),
    ("Garlic and butter simmer. The dough rests.", ["food"], "train"),
    ("The court heard of the rocket. The judge nodded.", ["space", "law"], "train"),
    ("The judge read the verdict. An appeal followed.", ["law"], "train"),
    ("Astronauts bake bread in orbit. It floats.", ["space", "food"], "train"),
    ("A lunar crater, a probe. The planet is cold.", ["space"], "train"),
    ("The launch was late. The orbit was reached.", ["space"], "validation"),
    ("A recipe with garlic. The oven is hot.", ["food"], "validation"),
    ("The witness spoke in court. The judge listened.", ["law"], "test"),
    ("A planet, a comet, and no bread. — Ünïcödé 🚀", ["space", "food"], "test"),
]
SETTINGS: dict[str, Any] = {
    "source": {"text": "text", "labels": {"columns": "topics"}, "split": "part"},
    "resample": {"method": "mlsmote", "target_ir": 1.5, "k_neighbors": 2},
    "weights": {"scheme": "balanced", "sample": "max"},
    "tokenize": {"vocabulary_size": 200, "max_length": 16, "engine": "tokenizers"},
    "executor": {"workers": 1},
}
COPIES = {"method": "ml_ros", "target_ir": 1.5}
WITHOUT_MEANING = {"seconds": 0.0, "rows_per_second": None}  # the only part that differs between two builds


def make_golden(folder: Path) -> None:
    """Write one artifact of each stage up to the shards, as ``folder/<stage>/``, and a plan of copies."""
    with tempfile.TemporaryDirectory() as name:
        rows = Path(name) / "topics.jsonl"
        lines = [json.dumps({"text": text, "topics": held, "part": part}) for text, held, part in ROWS]
        rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
        source = SETTINGS["source"] | {"files": str(rows)}
        settings = {**SETTINGS, "source": source, "store": f"{name}/store"}
        config, copies = (
            RunConfig.model_validate(settings | {"resample": each}) for each in (SETTINGS["resample"], COPIES)
        )
        made = walk_steps(config, prepare_steps(config), {})
        made["plan_of_copies"] = walk_steps(copies, cut_after(prepare_steps(copies), "plan"), {})["plan"]
        for stage, artifact in made.items():
            shutil.copytree(artifact.path, folder / stage)
            path = folder / stage / MANIFEST_NAME
            fields = json.loads(path.read_text(encoding="utf-8")) | WITHOUT_MEANING
            path.write_text(json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make_golden(Path(sys.argv[1]))
