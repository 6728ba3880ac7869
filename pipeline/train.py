"""`slugline train`: articles to a registered model, in one run."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from pipeline import __version__, report, tracking
from pipeline.cache import Stages
from pipeline.config import Launch, check, flatten, instantiate, launch, to_yaml
from pipeline.drift import profile_sentences
from pipeline.labels import Labels
from pipeline.material import Material, digest_sentences, prepare, require_examples
from pipeline.metrics import Scores, intervals, score
from pipeline.models.fit import Outcome, fit_model
from pipeline.search import PRUNED, Trial
from pipeline.splits import PARTS
from pipeline.tables import Stopped

Components = Mapping[str, Any]
SECTIONS = ("data", "labels", "split", "model", "threshold")
BASELINE_SCORES = ("f1_macro", "f1_micro")
EXAMPLE = "The two sides agreed to a ceasefire after talks in Geneva, officials said."


class Clock:
    """Seconds by stage, under their metric keys."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a stage; what it took before is added to."""
        key, start = f"time/{stage}", time.perf_counter()
        before = self.seconds.get(key, 0.0)
        yield
        self.seconds[key] = before + time.perf_counter() - start

    def total(self) -> Scores:
        """Return all seconds, those since the start as `time/total`."""
        return self.seconds | {"time/total": time.perf_counter() - self.start}


def train(config: DictConfig) -> float:
    """Train, evaluate and log a model.

    Return macro F1 on dev (on test where there is no dev), which a sweep maximises.
    """
    if not tracking.in_sweep():
        return run(config)
    try:
        return run(config)
    except Stopped as error:
        print(f"stopped {error}")
        return PRUNED
    except Exception as error:  # a failed job is recorded as such, and the sweep goes on
        print(f"slugline: {type(error).__name__}: {error}", file=sys.stderr)
        return float("nan")


def run(config: DictConfig) -> float:
    """Run all stages. Outside a sweep nothing is logged before the data is read and found good."""
    clock, how, allowed = Clock(), launch(), tuple(config.allowed_modules)
    with ExitStack() as stack:
        settings = instantiate(config.tracking, "tracking", allowed)
        name = config.name or how.name
        params = flatten(config) | {f"choice/{group}": option for group, option in how.choices.items()}
        start = cache(lambda: stack.enter_context(settings.run(name, how.folder, params)))
        if tracking.in_sweep():
            start()
        check(config)
        parts = {section: instantiate(config[section], section, allowed) for section in SECTIONS}
        features = {key: instantiate(node, f"features.{key}", allowed) for key, node in config.features.items()}
        fit = fit_whole if config.data.get("chunk_rows") is None else fit_chunks
        fitted = fit(config, how, parts, features, clock, start)
        with clock("evaluate"):
            metrics = evaluate(fitted.material, fitted.outcome, parts["labels"])
        tell(report.describe_scores(metrics, fitted.material.topics, report.main_part(metrics)))
        log = start()
        uri = record(config, how, log, fitted, metrics, clock)
    tell(
        f"run     {log.where()}\nmodel   {uri}\n"
        f"next    slugline predict model_uri={uri} input=ARTICLES output=topics.jsonl"
    )
    if tracking.in_sweep():
        print(f"job     {name}: {report.describe_job(metrics)}, {clock.total()['time/total']:.1f} s", flush=True)
    return metrics.get("dev/f1_macro", metrics.get("test/f1_macro", float("nan")))


def tell(text: str) -> None:
    """Print what one run has to say; a job of a sweep says it in one line at its end."""
    if text and not tracking.in_sweep():
        print(text, flush=True)


class Fit(NamedTuple):
    """What was learned from and scored, what came of it, and the digests of the data sets by part."""

    material: Material
    outcome: Outcome
    digests: Mapping[str, str]


def fit_whole(
    config: DictConfig, how: Launch, parts: Components, features: Components, clock: Clock, start: Callable[[], Any]
) -> Fit:
    """Read all data, or take it from the cache, and fit a model, while MLflow, which takes long, begins."""
    stages = Stages(instantiate(config.cache, "cache", tuple(config.allowed_modules)))
    material = prepare(config, parts, stages, clock)
    tell(report.describe_material(material))
    require_examples(material, parts["threshold"].part)
    trial = Trial()
    told = trial.report if trial.trial else None
    options = {"folds": config.folds, "seed": config.seed, "n_jobs": config.n_jobs, "told": told}
    fitting = beside(fit_model, material, features, parts["model"], parts["threshold"], clock, stages, **options)
    digests = record_data(config, how, start(), material, clock)
    if config.plots:  # a large import, at no cost while the fits go on
        import_module("matplotlib.figure")
    outcome = fitting.result()
    tell(report.describe_stages(stages.notes))
    return Fit(material, outcome, digests)


def fit_chunks(
    config: DictConfig, how: Launch, parts: Components, features: Components, clock: Clock, start: Callable[[], Any]
) -> Fit:
    """Read the data a chunk at a time and fit a model."""
    from pipeline.stream import fit_stream

    options = {"epochs": config.epochs, "seed": config.seed, "n_jobs": config.n_jobs}
    material, outcome, learned = fit_stream(parts, features, clock, **options)
    tell(report.describe_material(material))
    return Fit(material, outcome, record_data(config, how, start(), material, clock) | {"train": learned})


def beside(function: Callable[..., Outcome], *arguments: Any, **options: Any) -> "Future[Outcome]":
    """Call a function in a thread that nobody waits for when the program ends."""
    future: Future[Outcome] = Future()

    def call() -> None:
        try:
            future.set_result(function(*arguments, **options))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=call, daemon=True).start()
    return future


def evaluate(material: Material, outcome: Outcome, labels: Labels) -> Scores:
    """Score the model on dev and test, with 95 % intervals, beside baselines: the commonest topic, and the rules."""
    metrics: Scores = {}
    for part in PARTS[1:]:
        rows = material.rows(part)
        if not rows.any():
            continue
        Y, probabilities = material.Y[rows], outcome.probabilities[rows]
        decided, articles = outcome.model.decide(probabilities), material.sentences["article_id"][rows]
        metrics |= score(part, Y, decided, probabilities, material.topics)
        for key, (low, high) in intervals(Y, decided, articles.to_numpy(), material.topics, probabilities).items():
            metrics |= {f"{part}/{key}_low": low, f"{part}/{key}_high": high}
        for name, guess in guesses(material, rows, labels).items():
            found = score(part, Y, guess, None, material.topics)
            metrics |= {f"{part}/{key}_{name}": found[f"{part}/{key}"] for key in BASELINE_SCORES}
    return metrics


def guesses(material: Material, rows: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
    """Return what the baselines give for some sentences, booleans (sentences, topics)."""
    commonest = int(material.label_counts["train"].argmax())
    found = {"most_frequent": np.tile(np.arange(len(material.topics)) == commonest, (int(rows.sum()), 1))}
    if labels.all_rules():
        votes = labels.vote(material.sentences["text"][rows].tolist())
        found["rules"] = labels.weigh(votes, np.full(material.Y[rows].shape, -1)) > 0.5
    return found


def record_data(config: DictConfig, how: Launch, log: Any, material: Material, clock: Clock) -> dict[str, str]:
    """Log what is trained and tested on; return the digest of each part."""
    with clock("log"):
        data = {part: material.sentences[material.rows(part)] for part in PARTS if material.rows(part).any()}
        digests = {part: digest_sentences(frame) for part, frame in data.items()}
        frames = {part: report.data_frame(frame) for part, frame in data.items()}
        log.log_data(frames, how.choices.get("data", "data"), str(Path(str(config.data.path)).resolve()), digests)
    return digests


def record(
    config: DictConfig,
    how: Launch,
    log: Any,
    fitted: Fit,
    metrics: Scores,
    clock: Clock,
) -> str:
    """Write and log everything that is to be known of a run, and its model; return the model's URI."""
    part, (material, outcome, digests) = report.main_part(metrics), fitted
    definitions = {name: topic.get("definition", "") for name, topic in config.labels.topics.items()}
    how.folder.mkdir(parents=True, exist_ok=True)
    with clock("report"):
        report.write_tables(how.folder, metrics, material, outcome)
        report.write_top_terms(how.folder, outcome.model, plot=config.plots)
        (how.folder / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
        if config.plots:
            report.write_plots(how.folder, material, outcome, part)
            facts = report.Facts(
                name=config.name or how.name,
                run_id=log.run_id,
                config=to_yaml(config),
                definitions=definitions,
                digests=digests,
                overrides=how.overrides,
            )
            errors = report.find_errors(material, outcome, part)
            errors.to_csv(how.folder / "errors.csv", index=False)
            report.write_page(how.folder, facts, metrics, material, outcome, errors)
            log.log_tables({"errors": errors})
    description = report.describe_run(metrics, material, definitions, part)
    held = ~material.rows("train")  # what is like new text: neither terms nor thresholds were chosen on it
    with clock("log"):
        info = {
            "slugline": __version__,
            "run_id": log.run_id,
            "data_digest": digests["train"],
            "definitions": definitions,
            "reference": profile_sentences(outcome.model, material.sentences[held], outcome.probabilities[held]),
        }
        uri: str = log.log_model(replace(outcome.model, info=info), pd.DataFrame({"text": [EXAMPLE]}), description)
    counted = metrics | report.count_metrics(material)
    with clock("log"):
        log.log(lambda: counted | clock.total(), how.folder, description)
    return uri
