"""A store with models that learned from toy sentences, in which one word tells the topic."""

import json
from pathlib import Path
from typing import Any

from conftest import run_slugline

WORDS = {"truce": ["truce", "ceasefire"], "talks": ["talks", "summit"], "": ["rain", "football"]}
DATA = ("data=sentences", "data.path=news.jsonl", "labels=given")


def toy_rows(count: int, *, in_article: int = 2) -> list[dict[str, Any]]:
    """Return sentences of two topics and of none, so many in an article."""
    rows = []
    for n in range(count):
        label = list(WORDS)[n * 7 % 3]
        text = f"The {WORDS[label][n // 3 % 2]} of {n} days went on, they said."
        rows.append({"text": text, "labels": label, "article_id": str(n // in_article)})
    return rows


def write_rows(file: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def train_toys(folder: Path, *trainings: tuple[str, ...]) -> Path:
    """Train on `news.jsonl` in a folder, once with each of these options, and return the folder."""
    for options in trainings:
        done = run_slugline(folder, "train", *DATA, "plots=false", "features=word", *options)
        assert done.returncode == 0, done.stderr
    return folder
