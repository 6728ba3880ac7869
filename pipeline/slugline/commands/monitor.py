"""`slugline monitor`: new articles against what a model was judged on, as a run, a page and an exit code."""

import sys
from html import escape
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from slugline import report
from slugline.config import flatten, instantiate, launch
from slugline.data.corpus import ArticleCorpus
from slugline.data.readers import require_some
from slugline.model import TopicModel
from slugline.monitoring import ALPHA, MIN_EFFECT, DriftReport, check_reference, detect_drift
from slugline.scoring import check_method, check_period
from slugline.tracking import model_folder

DRIFT = 3  # exit code


def monitor(config: DictConfig) -> None:
    """Compare, print, log, and leave with 3 where something drifted."""
    model = TopicModel.load(model_folder(config.model_uri, config.tracking_uri))
    check_reference(model, config.model_uri)
    check_period(config.period)  # before all is read
    check_method(config.prevalence, "prevalence")

    sentences = read(config)
    drift = detect_drift(
        model, sentences, model_uri=config.model_uri, period=config.period, prevalence=config.prevalence
    )
    print(describe(drift))
    print(log(config, drift))
    if drift.drifted:
        sys.exit(DRIFT)


def read(config: DictConfig) -> pd.DataFrame:
    """Return the sentences of the input, debris left out."""
    columns = OmegaConf.to_container(config.columns)
    source = OmegaConf.to_container(config.input) if OmegaConf.is_config(config.input) else str(config.input)
    corpus = ArticleCorpus(source, config.format, columns, encoding=config.encoding)()  # type: ignore[arg-type]
    sentences = corpus.sentences()
    kept = sentences[~sentences["debris"]].reset_index(drop=True)
    print(
        f"read    {len(corpus.articles)} articles; left out: {len(corpus.rejected)} rejected, "
        f"{len(sentences) - len(kept)} sentences of debris"
    )
    require_some(kept.index.tolist(), corpus.rejected, "sentence")
    return kept


def describe(drift: DriftReport) -> str:
    """Return a drift report as text for the terminal."""
    counts = drift.totals[["topic", "counted", "corrected", "low", "high"]]  # NaN where no labelled sentence has it
    lines = [
        f"data    {drift.summary}",
        drift.table.to_string(index=False, float_format="{:.4f}".format),
        f"drift   {drift.drifted} of {len(drift.table)}: p below {ALPHA} after Holm, and an effect of at least "
        f"{MIN_EFFECT['share']}",
        "counts  of sentences, corrected for the model's errors, with 95 % intervals",
        counts.to_string(index=False, na_rep="", float_format="{:.0f}".format),
    ]
    return "\n".join(lines)


def log(config: DictConfig, drift: DriftReport) -> str:
    """Log the comparison as a run with a page, and return where it is."""
    how = launch()
    settings = instantiate(config.tracking, "tracking")
    table, counts, summary = drift.table, drift.counts, drift.summary
    metrics = {f"drift/{row['what']}": row["effect"] for row in table.to_dict("records")}
    metrics |= {"drift/count": float(drift.drifted)}
    with settings.run(config.name or f"monitor {Path(str(config.input)).name}", how.folder, flatten(config)) as run:
        how.folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(how.folder / "drift.csv", index=False)
        counts.to_csv(how.folder / "prevalence.csv", index=False)
        shown = table.assign(drift=table["drift"].map({True: "yes", False: ""}))
        body = [f"<p>{escape(summary)}.</p>", report.frame_table(shown)]
        body += [
            "<h2>Sentences by period and topic, corrected for the model's errors</h2>",
            "<p class='quiet'>By those that it made where it was judged; on text that drifted it may make others.</p>",
            report.frame_table(counts, 0),
        ]
        page = report.document("Drift", "\n".join(body))
        (how.folder / "report.html").write_text(page, encoding="utf-8")
        run.log(lambda: metrics, how.folder, f"{summary}: {drift.drifted} of {len(table)} drifted")
        return f"run     {run.where()}"
