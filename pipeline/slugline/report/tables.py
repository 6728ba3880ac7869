"""Tables of a run: scores, predictions, labels, and what was counted."""

import pandas as pd

from slugline.data.readers import REJECTED_FILE
from slugline.dataset import Dataset
from slugline.duplicates import count_copies
from slugline.files import to_json_lines
from slugline.scoring import tabulate
from slugline.splits import HELD_OUT, PARTS_FILE
from slugline.spreadsheets import write_table
from slugline.training.run import TrainingRun

_COMPARED = ("calibration", "slices")


def write_tables(run: TrainingRun) -> None:
    """Write the scores per topic, all tables, copies, the labels per part, and the predictions for dev and test."""
    dataset, folder = run.dataset, run.folder
    for part in HELD_OUT:
        if f"{part}/f1_macro" in run.metrics:
            scores = tabulate(run.metrics, part, dataset.topics).rename_axis("topic")
            write_table(scores, folder / f"scores_{part}.csv", index=True)
            _predictions(run, part).to_parquet(folder / f"predictions_{part}.parquet", index=False)

    for name, table in run.tables.items():
        write_table(table, folder / f"{name}.csv")
    if dataset.copies is not None:
        write_table(dataset.copies, folder / "duplicates.csv")
    write_table(dataset.label_counts.rename_axis("topic"), folder / "labels.csv", index=True)
    files = [(file.name, file.format, ", ".join(file.notes)) for file in dataset.files]
    write_table(pd.DataFrame(files, columns=["file", "format", "notes"]), folder / "files.csv")
    if dataset.rejected:
        (folder / REJECTED_FILE).write_bytes(to_json_lines(item.to_record() for item in dataset.rejected))
    if dataset.rows("train").any():  # out of core train is not kept: a part depends on ids, not on labels
        write_table(_tabulate_parts(dataset.sentences), folder / PARTS_FILE)


def count_metrics(dataset: Dataset) -> dict[str, float]:
    """Return what was counted and how far the split leaks as metrics, under `data/` and `leakage/`."""
    leakage, of_copies = dataset.leakage, dataset.copy_leakage
    counts = {f"data/{name}": float(count) for name, count in dataset.counts.items()}
    sizes = {f"data/{part}": float(size) for part, size in dataset.sizes.items()}
    shared = {f"leakage/{part}_sentences": float(count) for part, count in leakage.sentences.items()}
    shared["leakage/articles"] = float(leakage.articles)
    if of_copies is not None:
        shared |= {f"leakage/{part}_copies": float(count) for part, count in of_copies.sentences.items()}
        shared["leakage/article_groups"] = float(of_copies.articles)
    if dataset.copies is not None:
        counts |= {f"data/{name}": float(count) for name, count in count_copies(dataset.copies).items()}
    return counts | sizes | shared


def write_mlflow_tables(run: TrainingRun, **others: pd.DataFrame) -> list[str]:
    """Write the tables that MLflow's evaluation view compares across runs, as it reads them; return their names."""
    tables = {name: run.tables[name] for name in _COMPARED if name in run.tables} | others
    for name, table in tables.items():
        table.to_json(run.folder / f"{name}.json", orient="split", index=False, date_format="iso")
    return [f"{name}.json" for name in tables]


def _tabulate_parts(sentences: pd.DataFrame) -> pd.DataFrame:
    """Return the part of each article, of each sentence where an article is in several."""
    parts = sentences[["article_id", "split"]].drop_duplicates()
    return parts if parts["article_id"].is_unique else sentences[["sentence_id", "split"]]


def _predictions(run: TrainingRun, part: str) -> pd.DataFrame:
    """Return the sentences of a part with their labels, the topics given and a probability per topic."""
    rows, model = run.dataset.rows(part), run.model
    probabilities = run.probabilities[rows]
    columns = ["sentence_id", "article_id", "position", "start", "end", "text", "labels"]
    predictions = run.dataset.sentences.loc[rows, columns].reset_index(drop=True)
    predictions["topics"] = model.to_topics(model.decide(probabilities))
    return predictions.join(pd.DataFrame(probabilities, columns=list(model.topics)))
