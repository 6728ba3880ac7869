"""The multilingual sample of the tests: articles in five languages with a topic for each sentence, as files."""

import json
from pathlib import Path
from typing import NamedTuple

TOPICS = {"t": "truce", "s": "sanctions", "p": "protest"}
_FILE = Path(__file__).with_suffix(".txt")


class Told(NamedTuple):
    """An article: its language, and its sentences, each with its topics and whether it begins a line."""

    language: str
    sentences: list[tuple[str, list[str], bool]]

    @property
    def text(self) -> str:
        """The text of the article."""
        blank = "" if self.language == "zh" else " "
        return "".join(("\n" if begins else blank) + text for text, _, begins in self.sentences).lstrip("\n")


def read_articles() -> list[Told]:
    """Return the articles."""
    articles: list[Told] = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            articles.append(Told(line[1:3], []))
        elif not line.startswith("#"):
            marks, text = line.split(" ", 1)
            topics = [TOPICS[mark] for mark in marks.strip("+") if mark in TOPICS]
            articles[-1].sentences.append((text, topics, not marks.endswith("+")))
    return articles


def write_sample(folder: Path, *languages: str, with_language: bool = False) -> None:
    """Write `articles.jsonl` and `labels.jsonl`, of some languages or all."""
    articles = [one for one in read_articles() if one.language in languages or not languages]
    rows = [{"article_id": f"{number}-{one.language}", "text": one.text} for number, one in enumerate(articles)]
    if with_language:
        rows = [row | {"language": one.language} for row, one in zip(rows, articles, strict=True)]
    gold = [
        {"article_id": row["article_id"], "text": text, "labels": topics}
        for row, one in zip(rows, articles, strict=True)
        for text, topics, _ in one.sentences
    ]
    for name, lines in (("articles", rows), ("labels", gold)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
