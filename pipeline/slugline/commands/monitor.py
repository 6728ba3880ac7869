"""`slugline monitor`: new articles against what a model was judged on, as a run, a page and an exit code."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf

from slugline import report
from slugline.config import flatten, instantiate, launch
from slugline.data.corpus import ArticleCorpus
from slugline.data.readers import require_some
from slugline.errors import InputError
from slugline.model import TopicModel
from slugline.monitoring import ALPHA, LEAST, compare, profile_sentences, unpack_counts
from slugline.scoring import prevalence, require_method
from slugline.scoring.slices_of_sentences import period_bins
from slugline.tracking import model_folder

DRIFT = 3  # exit code


def monitor(config: DictConfig) -> None:
    """Compare, print, log, and leave with 3 where something drifted."""
    model = TopicModel.load(model_folder(config.model_uri, config.tracking_uri))
    reference = model.info.get("reference")
    if not reference:
        raise InputError(f"model {config.model_uri} holds no reference; train it again with this version of Slugline")
    period_bins(pd.Series([None]), config.period)  # a mistake is told before all is read
    require_method(config.prevalence, "prevalence")
    sentences = read(config)
    probabilities = model.predict_proba(sentences["text"].tolist())
    try:
        new = profile_sentences(model, sentences, probabilities, reference)
        table = compare(reference, new)
        known = unpack_counts(reference["counts"], len(model.topics))
        said = (
            f"{new['sentences']} sentences of {new['articles']} articles against {reference['sentences']} of "
            f"{reference['articles']} that {config.model_uri} was judged on"
        )
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # whoever made the model made it
        what = f"{type(error).__name__}: {str(error)[:80]}"
        raise InputError(f"model {config.model_uri}: its reference cannot be read ({what}); train it again") from error
    drifted = int(table["drift"].sum())
    print(f"data    {said}")
    print(table.to_string(index=False, float_format="{:.4f}".format))
    print(f"drift   {drifted} of {len(table)}: p below {ALPHA} after Holm, and an effect of at least {LEAST['share']}")
    decided, articles = model.decide(probabilities), sentences["article_id"].to_numpy()
    periods = [np.full(len(sentences), "all", object), period_bins(sentences["published"], config.period)]
    counts = [
        prevalence(decided, when, articles, known, model.topics, method=config.prevalence)
        for when in periods
        if any(period is not None for period in when)
    ]
    print(f"counts  of sentences, corrected for the model's errors, with 95 % intervals\n{describe_counts(counts[0])}")
    print(log(config, said, table, pd.concat(counts)))
    if drifted:
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


def describe_counts(counts: pd.DataFrame) -> str:
    """Return counts as a table for the terminal: a topic a row, nothing where no labelled sentence has it."""
    shown = counts[["topic", "counted", "corrected", "low", "high"]]
    return str(shown.to_string(index=False, na_rep="", float_format="{:.0f}".format))


def log(config: DictConfig, said: str, table: pd.DataFrame, counts: pd.DataFrame) -> str:
    """Log the comparison as a run with a page, and return where it is."""
    how = launch()
    settings = instantiate(config.tracking, "tracking")
    metrics = {f"drift/{row['what']}": row["effect"] for row in table.to_dict("records")}
    metrics |= {"drift/count": float(table["drift"].sum())}
    with settings.run(config.name or f"monitor {Path(str(config.input)).name}", how.folder, flatten(config)) as run:
        how.folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(how.folder / "drift.csv", index=False)
        counts.to_csv(how.folder / "prevalence.csv", index=False)
        page = report.drift_page(summary=said, drift=table, counts=counts)
        (how.folder / "report.html").write_text(page, encoding="utf-8")
        run.log(lambda: metrics, how.folder, f"{said}: {int(metrics['drift/count'])} of {len(table)} drifted")
        return f"run     {run.where()}"
