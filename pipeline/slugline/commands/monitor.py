"""`slugline monitor`: new articles against what a model was judged on, as a run, a page and an exit code."""

import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from slugline import report
from slugline.components import settings_to_config, to_params
from slugline.config.project_reading import describe_reading
from slugline.config.settings import MonitorSettings
from slugline.data import ArticleCorpus
from slugline.data.context import add_context
from slugline.data.dates import count_dates, describe_dates
from slugline.data.readers import check_any_read
from slugline.launch import REPORT, Launch
from slugline.model import load_model
from slugline.model.used_model import describe_used_model, is_by_rules
from slugline.monitoring import ALPHA, MIN_EFFECT, DriftReport, check_reference, detect_drift
from slugline.scoring import check_method, check_period
from slugline.tracking import SideRun, log_side_run, model_folder, name_model

_DRIFT = 3  # exit code


class _Input(ArticleCorpus):
    """The articles that `input` names."""

    key = "input"


def monitor(settings: MonitorSettings, launch: Launch) -> None:
    """Compare, print, log, and leave with 3 where something drifted."""
    settings.tracking.check()
    model = load_model(model_folder(settings.model_uri, settings.tracking_uri))
    check_reference(model, settings.model_uri)
    check_period(settings.period, "period")  # before all is read
    check_method(settings.prevalence, "prevalence")

    if reading := describe_reading(settings):
        print(reading)
    sentences = _read(settings, context=model.reads_context)
    drift = detect_drift(
        model, sentences, model_uri=settings.model_uri, period=settings.period, prevalence=settings.prevalence
    )
    print(describe_used_model(name_model(settings.model_uri, settings.tracking_uri), model.topics, model.info))
    if is_by_rules(model.info, "judged"):
        print("caution the model was judged by keyword rules, not by people: so are the corrected counts")
    for caution in drift.cautions:
        print(f"caution {caution}")
    print(_describe(drift))
    print(f"run     {_log(settings, launch, drift)}\npage    {launch.folder / REPORT}")
    if drift.n_drifted:
        sys.exit(_DRIFT)


def _read(settings: MonitorSettings, *, context: bool) -> pd.DataFrame:
    """Return the sentences of the input, debris left out, with columns for their context if that is read."""
    source = settings.input if isinstance(settings.input, list) else str(settings.input)
    own = {name: getattr(settings, name) for name in ("columns", "language", "cleaning")}
    corpus = _Input(source, **own, **asdict(settings.reading))()
    for line in report.describe_notes(corpus.all_notes()):
        print(line)
    sentences = add_context(corpus.sentences()) if context else corpus.sentences()
    kept = sentences[~sentences["debris"]].reset_index(drop=True)
    print(
        f"read    {len(corpus.articles)} articles; left out: {len(corpus.rejected)} rejected, "
        f"{len(sentences) - len(kept)} sentences of debris"
    )
    if dates := describe_dates(**count_dates(corpus.articles["published"])):
        print(f"dates   {dates}")
    check_any_read(kept.index.tolist(), corpus.rejected, "sentence")
    return kept


def _describe(drift: DriftReport) -> str:
    """Return a drift report as text for the terminal."""
    counts = drift.totals[["topic", "counted", "corrected", "low", "high"]]  # NaN where no labelled sentence has it
    counts = counts.assign(topic=counts["topic"].map(report.shorten_topic))
    table = drift.table.assign(what=drift.table["what"].map(report.shorten_topic))
    lines = [
        f"data    {drift.summary}",
        table.to_string(index=False, float_format="{:.3f}".format, formatters={"p": report.format_p}),
        "note    reference and new are shares: of sentences with a topic, of words that the model does not know, and "
        "else of sentences in the part of a distribution that changed most",
        f"result  {drift.verdict}",
        f"drift   {drift.n_drifted} of {len(drift.table)}: p below {ALPHA} after Holm, and an effect of at least "
        f"{MIN_EFFECT['share']}",
        "counts  of sentences, corrected for the model's errors, with 95 % intervals",
        counts.to_string(index=False, na_rep="", float_format="{:.0f}".format),
    ]
    return "\n".join(lines)


def _log(settings: MonitorSettings, launch: Launch, drift: DriftReport) -> str:
    """Log the comparison as a run with a page, and return where it is."""
    effects = {f"drift/{row['what']}": row["effect"] for row in drift.table.to_dict("records")}
    page = report.drift_page(drift)
    content = SideRun(
        name=settings.name or f"monitor {Path(str(settings.input)).name}",
        description=f"{drift.verdict} {drift.summary}.",
        tables={"drift": drift.table, "prevalence": drift.counts},
        metrics=effects | {"drift/count": float(drift.n_drifted)},
        texts={REPORT: page},
    )
    return log_side_run(settings.tracking, launch.folder, to_params(settings_to_config(settings)), content)
