"""Recording a training: first into its folder, where it is whole, and from there into the store."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from slugline import report
from slugline.cache import Stages
from slugline.dataset import Dataset
from slugline.errors import describe_refusal
from slugline.files import shipped_folder, write_atomically
from slugline.launch import PLOTS, TABLES
from slugline.model import save_model
from slugline.report.next_steps import describe_logging
from slugline.splits import PARTS
from slugline.tracking import (
    MODEL,
    ActiveRun,
    DataSet,
    FinishedRun,
    LocalRun,
    Mlflow,
    Origin,
    StoreError,
    explained,
    in_sweep,
)
from slugline.training.run import TrainingRun


def record(
    run: TrainingRun, active: ActiveRun, origin: Origin, stages: Stages, show: Callable[[str], object]
) -> TrainingRun:
    """Write all that is to be known of a training, and its model, and then log it.

    Parameters
    ----------
    run : TrainingRun
        The training, which is over.
    active : ActiveRun
        The run of the tracking.
    origin : Origin
        What was known as it began.
    stages : Stages
        Its stages, whose seconds are metrics.
    show : callable
        Called with what there is to tell.

    Returns
    -------
    TrainingRun
        With the URI of the model, and all metrics.

    Raises
    ------
    StoreError
        When the store fails; all is in the folder then, and the message says how to log it later.
    """
    run, finished = _write_somewhere(run, origin, stages, show)
    store = getattr(run.settings.tracking, "uri", None)
    try:
        with explained(store, OSError):
            model_uri = active.log_finished(finished, stages)
    except StoreError as error:  # nothing that was computed is lost
        line = describe_logging(run.folder, store)
        told = StoreError(f"{error}; all results of this run are in {run.folder}; to log them: {line}")
        for note in getattr(error, "__notes__", ()):
            told.add_note(note)
        raise told from error
    return replace(run, model_uri=model_uri, metrics=run.metrics | stages.all_seconds())


def _write_somewhere(
    run: TrainingRun, origin: Origin, stages: Stages, show: Callable[[str], object]
) -> tuple[TrainingRun, FinishedRun]:
    """Write a run into its folder, or, where that is refused, into a temporary one; return it with all metrics."""
    try:
        return _write(run, origin, stages)
    except OSError as error:
        if (refusal := describe_refusal(error)) is None:
            raise
        elsewhere = replace(run, folder=Path(mkdtemp(prefix="slugline-run-")))
        written = _write(elsewhere, origin, stages)
        show(f"caution {refusal}; the folder of this run is {elsewhere.folder}")
        return written


def _write(run: TrainingRun, origin: Origin, stages: Stages) -> tuple[TrainingRun, FinishedRun]:
    """Write all of a run into its folder, the record last; return it with all metrics."""
    with stages.timed("report"):
        tables = _write_files(run)
    metrics = run.metrics | report.count_metrics(run.dataset) | stages.all_seconds()
    LocalRun(run.folder).log_metrics(metrics)
    finished = _describe(run, origin, tables)
    finished.write()
    return replace(run, metrics=metrics), finished


def _write_files(run: TrainingRun) -> list[str]:
    """Write what a run made into its folder, the model first; return the files that MLflow shows as tables."""
    (run.folder / TABLES).mkdir(parents=True, exist_ok=True)
    card = report.describe_model(run)
    with write_atomically(run.folder / MODEL) as draft:
        save_model(run.model, draft, card)
    (run.folder / "config.yaml").write_text(run.config, encoding="utf-8")
    (run.folder / "model_card.md").write_text(card, encoding="utf-8")
    report.write_tables(run)
    report.write_top_terms(run)
    if not run.settings.plots:
        return report.write_mlflow_tables(run)
    (run.folder / PLOTS).mkdir(parents=True, exist_ok=True)
    plots = report.draw_plots(run)
    report.write_plots(run, plots)
    errors = report.find_mistakes(run)
    report.write_page(run, errors, plots)
    return report.write_mlflow_tables(run, errors=errors)


def _describe(run: TrainingRun, origin: Origin, tables: list[str]) -> FinishedRun:
    """Return what a store is to know of a run; one without a store as the default one would have it."""
    tracking = run.settings.tracking
    if not isinstance(tracking, Mlflow):
        tracking = Mlflow().for_sample() if reads_sample(run.settings.data) else Mlflow()
    return FinishedRun(
        folder=run.folder,
        run_id=run.run_id,
        experiment=tracking.experiment,
        registered_model=None if in_sweep() else tracking.registered_model,
        alias=tracking.alias,
        description=report.describe_run(run),
        data=data_sets(run.dataset, run.digests, run.settings.data, origin),
        tables=tables,
        **asdict(origin),
    )


def data_sets(dataset: Dataset, digests: Mapping[str, str], reader: Any, origin: Origin) -> list[DataSet]:
    """Return the parts of a dataset as what a run is trained and tested on."""
    source = str(Path(str(getattr(reader, "path", ""))).resolve())
    name = origin.params.get("choice/data", "data")
    sizes = {part: int(dataset.rows(part).sum()) for part in PARTS}
    return [DataSet(part, f"{name}-{part}", source, digests[part], size) for part, size in sizes.items() if size]


def reads_sample(data: Any) -> bool:
    """Tell whether a reader reads the sample that ships with Slugline."""
    path = getattr(data, "path", None)
    return isinstance(path, str) and Path(path).is_relative_to(shipped_folder("data/sample"))
