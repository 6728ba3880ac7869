"""Side runs: what commands beside `train` find out, logged as runs of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slugline.launch import TABLES
from slugline.spreadsheets import write_table
from slugline.tracking.local_runs import LocalRun, Off
from slugline.tracking.runs import Mlflow, MlflowRun

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SideRun:
    """What a side run holds.

    Parameters
    ----------
    name : str
        The name of the run.
    description : str
        What the UI shows of it, in Markdown.
    tables : mapping of str to DataFrame
        Each becomes a CSV file of that name, in the folder of tables.
    metrics : mapping of str to float
        By their keys: what a store shows.
    further_metrics : mapping of str to float
        Those that are only in its `metrics.json`.
    texts : mapping of str to str
        Further files, by their places: a page, a config.
    """

    name: str
    description: str
    tables: "Mapping[str, pd.DataFrame]"
    metrics: Mapping[str, float] = field(default_factory=dict)
    further_metrics: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def log_side_run(tracking: Mlflow | Off, folder: Path, params: Mapping[str, Any], content: SideRun) -> str:
    """Write a side run into a folder and log it; return where it is, in words."""
    with tracking.run(content.name, folder, params) as run:
        (folder / TABLES).mkdir(parents=True, exist_ok=True)
        for name, table in content.tables.items():
            write_table(table, folder / TABLES / f"{name}.csv")
        for place, text in content.texts.items():
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
        LocalRun(folder).log_metrics({**content.metrics, **content.further_metrics})
        run.log_files(folder, content.description)
        if isinstance(run, MlflowRun):
            run.log_metrics(content.metrics)
        return run.where()
