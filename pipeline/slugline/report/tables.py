"""Tables of a run: scores, predictions, labels, and what was counted."""

import pandas as pd

from slugline.dataset import Dataset
from slugline.scoring import tabulate
from slugline.splits import HELD_OUT
from slugline.training.run import TrainingRun

_COMPARED = ("calibration", "slices")


def write_tables(run: TrainingRun) -> None:
    """Write the scores per topic, all tables, the labels per part, and the predictions for dev and test."""
    dataset, folder = run.dataset, run.folder
    for part in HELD_OUT:
        if f"{part}/f1_macro" in run.metrics:
            scores = tabulate(run.metrics, part, dataset.topics).rename_axis("topic")
            scores.to_csv(folder / f"scores_{part}.csv")
            _predictions(run, part).to_parquet(folder / f"predictions_{part}.parquet", index=False)

    for name, table in run.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    dataset.label_counts.rename_axis("topic").to_csv(folder / "labels.csv")


def count_metrics(dataset: Dataset) -> dict[str, float]:
    """Return what was counted and how far the split leaks as metrics, under `data/` and `leakage/`."""
    leakage = dataset.leakage
    counts = {f"data/{name}": float(count) for name, count in dataset.counts.items()}
    sizes = {f"data/{part}": float(size) for part, size in dataset.sizes.items()}
    shared = {f"leakage/{part}_sentences": float(count) for part, count in leakage.sentences.items()}
    return counts | sizes | shared | {"leakage/articles": float(leakage.articles)}


def write_mlflow_tables(run: TrainingRun, **others: pd.DataFrame) -> list[str]:
    """Write the tables that MLflow's evaluation view compares across runs, as it reads them; return their names."""
    tables = {name: run.tables[name] for name in _COMPARED if name in run.tables} | others
    for name, table in tables.items():
        table.to_json(run.folder / f"{name}.json", orient="split", index=False, date_format="iso")
    return [f"{name}.json" for name in tables]


def _predictions(run: TrainingRun, part: str) -> pd.DataFrame:
    """Return the sentences of a part with their labels, the topics given and a probability per topic."""
    rows, model = run.dataset.rows(part), run.model
    probabilities = run.probabilities[rows]
    columns = ["sentence_id", "article_id", "position", "start", "end", "text", "labels"]
    predictions = run.dataset.sentences.loc[rows, columns].reset_index(drop=True)
    predictions["topics"] = model.to_topics(model.decide(probabilities))
    return predictions.join(pd.DataFrame(probabilities, columns=list(model.topics)))
