"""Tables of a run: scores, predictions, labels, and what was counted."""

from pathlib import Path

import pandas as pd

from slugline.dataset import Material
from slugline.scoring import tabulate
from slugline.splits import PARTS
from slugline.training.evaluation import Evaluated
from slugline.training.fit import Outcome


def write_tables(folder: Path, evaluated: Evaluated, material: Material, outcome: Outcome) -> None:
    """Write the scores per topic, all tables, the labels per part, and the predictions for dev and test."""
    metrics, tables = evaluated
    for part in PARTS[1:]:
        if f"{part}/f1_macro" in metrics:
            tabulate(metrics, part, material.topics).rename_axis("topic").to_csv(folder / f"scores_{part}.csv")
            predictions(material, outcome, part).to_parquet(folder / f"predictions_{part}.parquet", index=False)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    material.label_counts.rename_axis("topic").to_csv(folder / "labels.csv")


def predictions(material: Material, outcome: Outcome, part: str) -> pd.DataFrame:
    """Return the sentences of a part with their labels, the topics given and a probability per topic."""
    rows, model = material.rows(part), outcome.model
    probabilities = outcome.probabilities[rows]
    frame = material.sentences.loc[
        rows, ["sentence_id", "article_id", "position", "start", "end", "text", "labels"]
    ].reset_index(drop=True)
    frame["topics"] = model.to_topics(model.decide(probabilities))
    return frame.join(pd.DataFrame(probabilities, columns=list(model.topics)))


def count_metrics(material: Material) -> dict[str, float]:
    """Return what was counted and how far the split leaks as metrics, under `data/` and `leakage/`."""
    leakage = material.leakage
    counts = {f"data/{name}": float(value) for name, value in material.counts.items()}
    parts = {f"data/{part}": float(size) for part, size in material.sizes.items()}
    shared = {f"leakage/{part}_sentences": float(value) for part, value in leakage.sentences.items()}
    return counts | parts | shared | {"leakage/articles": float(leakage.articles)}


def data_frame(sentences: pd.DataFrame) -> pd.DataFrame:
    """Return sentences as the frame that a run's data set describes."""
    return sentences[["sentence_id", "article_id", "text"]].assign(
        labels=[", ".join(labels) for labels in sentences["labels"]]
    )
