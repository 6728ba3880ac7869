"""Tables of a run: scores, predictions, labels, and what was counted."""

import pandas as pd

from slugline.data.readers import REJECTED_FILE
from slugline.dataset import Dataset
from slugline.duplicates import count_copies
from slugline.files import to_json_lines
from slugline.launch import TABLES
from slugline.scoring import tabulate_intervals
from slugline.splits import HELD_OUT, PARTS_FILE
from slugline.spreadsheets import write_table
from slugline.training.judged import CROSS_VALIDATED, Judged
from slugline.training.run import TrainingRun

_COMPARED = ("calibration", "slices")  # across runs, by MLflow, which reads JSON alone
_SCORED = (*HELD_OUT, CROSS_VALIDATED)


def write_tables(run: TrainingRun) -> None:
    """Write the tables that MLflow does not compare, copies, labels per part, and the predictions that were judged."""
    dataset, folder = run.dataset, run.folder / TABLES
    for judged in run.all_judged():
        _predictions(run, judged).to_parquet(folder / f"predictions_{judged.part}.parquet", index=False)

    for name, table in run.tables.items():
        if name not in _COMPARED:
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
    tables = {"scores": _tabulate_scores(run)} | {name: run.tables[name] for name in _COMPARED if name in run.tables}
    tables |= others
    files = {f"{TABLES}/{name}.json": table for name, table in tables.items()}
    for file, table in files.items():
        table.to_json(run.folder / file, orient="split", index=False, date_format="iso")
    return list(files)


def _tabulate_scores(run: TrainingRun) -> pd.DataFrame:
    """Return the scores of each part and their intervals, of the part that the run is judged by first."""
    tables = []
    for part in sorted(_SCORED, key=lambda part: part != run.part):
        if f"{part}/f1_macro" in run.metrics:
            scores = tabulate_intervals(run.metrics, part, run.dataset.topics).rename_axis("topic").reset_index()
            tables.append(scores.assign(part=part))
    table = pd.concat(tables)
    return table[["part", *table.columns.drop("part")]]


def _tabulate_parts(sentences: pd.DataFrame) -> pd.DataFrame:
    """Return the part of each article, of each sentence where an article is in several."""
    parts = sentences[["article_id", "split"]].drop_duplicates()
    return parts if parts["article_id"].is_unique else sentences[["sentence_id", "split"]]


def _predictions(run: TrainingRun, judged: Judged) -> pd.DataFrame:
    """Return the sentences of a part with their labels, the topics given and a probability per topic."""
    rows, topics = judged.rows, run.model.topics
    columns = ["sentence_id", "article_id", "position", "start", "end", "text", "labels"]
    predictions = run.dataset.sentences.loc[rows, columns].reset_index(drop=True)
    predictions["topics"] = run.model.to_topics(judged.decided)
    return predictions.join(pd.DataFrame(judged.probabilities, columns=list(topics)))
