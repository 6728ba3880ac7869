"""Reports of a run: what the terminal shows, tables, plots, mistakes, the card, and pages that hold them all."""

from slugline.report.card import describe_model, describe_run
from slugline.report.codebook_updates import describe_update
from slugline.report.comparisons import comparison_page, describe_differences, drift_page
from slugline.report.judged import describe_chance, describe_judged
from slugline.report.mistakes import find_mistakes
from slugline.report.page import write_page
from slugline.report.plots import draw_plots, write_plots, write_top_terms
from slugline.report.scores import format_p
from slugline.report.tables import count_metrics, write_mlflow_tables, write_tables
from slugline.report.terminal import (
    describe_dataset,
    describe_job,
    describe_notes,
    describe_scores,
    describe_seconds,
    describe_stages,
    describe_tables,
    shorten_topic,
)

__all__ = [
    "comparison_page",
    "count_metrics",
    "describe_chance",
    "describe_dataset",
    "describe_differences",
    "describe_job",
    "describe_judged",
    "describe_model",
    "describe_notes",
    "describe_run",
    "describe_scores",
    "describe_seconds",
    "describe_stages",
    "describe_tables",
    "describe_update",
    "draw_plots",
    "drift_page",
    "find_mistakes",
    "format_p",
    "shorten_topic",
    "write_mlflow_tables",
    "write_page",
    "write_plots",
    "write_tables",
    "write_top_terms",
]
