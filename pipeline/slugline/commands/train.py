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

import pandas as pd
from omegaconf import DictConfig

from slugline import __version__, report, tracking
from slugline.cache import Stages
from slugline.config import Launch, check, flatten, instantiate, launch, to_yaml
from slugline.dataset import Material, digest_sentences, prepare, require_examples
from slugline.errors import InputError, Stopped
from slugline.monitoring import profile_sentences
from slugline.scoring import Scores, pack_counts
from slugline.splits import PARTS
from slugline.training.evaluation import Evaluated, Evaluation, evaluate, reference_counts
from slugline.training.fit import Outcome, fit_model
from slugline.training.repeats import Refit, draw_learning_curve, repeat_splits
from slugline.training.search import PRUNED, Trial

SECTIONS = ("data", "labels", "split", "model", "threshold")
LOGGED_TABLES = ("calibration", "slices")  # beside the errors, for MLflow's evaluation view
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
        judging = instantiate(
            {"_target_": "slugline.training.evaluation.Evaluation", **config.evaluation}, "evaluation"
        )
        job = Job(config, how, parts, features, judging, clock, start)
        fitted = fit_whole(job) if config.data.get("chunk_rows") is None else fit_chunks(job)
        with clock("evaluate"):
            evaluated = evaluate(fitted.material, fitted.outcome, parts["labels"], judging)
        evaluated = look_further(job, fitted, evaluated)
        metrics, log = evaluated.metrics, start()
        tell(report.describe_scores(metrics, fitted.material.topics, fitted.material.judged))
        tell(report.describe_tables(evaluated.tables))
        uri = record(job, log, fitted, evaluated)
    tell(
        f"run     {log.where()}\nmodel   {uri}\n"
        f"next    slugline predict model_uri={uri} input=ARTICLES output=topics.jsonl"
    )
    if tracking.in_sweep():
        print(f"job     {name}: {report.describe_job(metrics)}, {clock.total()['time/total']:.1f} s", flush=True)
    return metrics.get("dev/f1_macro", metrics.get("test/f1_macro", float("nan")))


class Job(NamedTuple):
    """One job: its config, how it was launched, what was made of the config, its clock, and what starts its run."""

    config: DictConfig
    how: Launch
    parts: Mapping[str, Any]
    features: Mapping[str, Any]
    evaluation: Evaluation
    clock: Clock
    start: Callable[[], Any]


def tell(text: str) -> None:
    """Print what one run has to say; a job of a sweep says it in one line at its end."""
    if text and not tracking.in_sweep():
        print(text, flush=True)


class Fit(NamedTuple):
    """What was learned from and scored, what came of it, the digests of the parts, and what fits other material."""

    material: Material
    outcome: Outcome
    digests: Mapping[str, str]
    refit: Refit | None


def fit_whole(job: Job) -> Fit:
    """Read all data, or take it from the cache, and fit a model, while MLflow, which takes long, begins."""
    config, parts = job.config, job.parts
    stages = Stages(instantiate(config.cache, "cache", tuple(config.allowed_modules)))
    material = prepare(config, parts, stages, job.clock)
    if parts["threshold"].part == material.judged:
        material.notes.append(
            f"thresholds are chosen on {material.judged}, by which the model is judged: scores flatter"
        )
    tell(report.describe_material(material))
    require_examples(material, parts["threshold"].part)
    job.evaluation.check(material, job.parts["split"])
    trial = Trial()
    told = trial.report if trial.trial else None
    learned = job.features, parts["model"], parts["threshold"]
    options = {"folds": config.folds, "seed": config.seed, "n_jobs": config.n_jobs}
    fitting = beside(fit_model, material, *learned, job.clock, stages, told=told, **options)
    digests = record_data(job, material)
    if config.plots:  # a large import, at no cost while the fits go on
        import_module("matplotlib.figure")
    outcome = fitting.result()
    tell(report.describe_stages(stages.notes))
    return Fit(material, outcome, digests, lambda other: fit_model(other, *learned, Clock(), stages, **options))


def fit_chunks(job: Job) -> Fit:
    """Read the data a chunk at a time and fit a model."""
    from slugline.training.out_of_core import fit_stream

    if job.evaluation.repeats > 1 or job.evaluation.learning_curve:
        raise InputError("evaluation.repeats and learning_curve need all the text; allowed: data.chunk_rows=null")
    options = {key: job.config[key] for key in ("epochs", "seed", "n_jobs")}
    material, outcome, learned = fit_stream(job.parts, job.features, job.clock, **options)
    tell(report.describe_material(material))
    job.evaluation.check(material, job.parts["split"])
    return Fit(material, outcome, record_data(job, material) | {"train": learned}, None)


def look_further(job: Job, fitted: Fit, evaluated: Evaluated) -> Evaluated:
    """Add the scores on other splits and on fewer articles, where they are asked for."""
    how, (metrics, tables) = job.evaluation, evaluated
    if fitted.refit is None:  # a stream
        return evaluated
    if how.repeats > 1:
        with job.clock("repeats"):
            found = repeat_splits(fitted.material, fitted.outcome, job.parts["split"], fitted.refit, how.repeats)
        scores = found.select_dtypes("number").drop(columns="seed")
        tables |= {"repeats": found}
        metrics |= {f"repeats/{key}_mean": float(value) for key, value in scores.mean().items()}
        metrics |= {f"repeats/{key}_std": float(value) for key, value in scores.std().items()}
    if how.learning_curve:
        with job.clock("learning_curve"):
            found = draw_learning_curve(
                fitted.material, fitted.outcome, fitted.refit, how.learning_curve, job.config.seed
            )
        tables |= {"learning_curve": found}
    return Evaluated(metrics, tables)


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


def record_data(job: Job, material: Material) -> dict[str, str]:
    """Log what is trained and tested on; return the digest of each part."""
    config, log = job.config, job.start()
    with job.clock("log"):
        data = {part: material.sentences[material.rows(part)] for part in PARTS if material.rows(part).any()}
        digests = {part: digest_sentences(frame) for part, frame in data.items()}
        frames = {part: report.data_frame(frame) for part, frame in data.items()}
        log.log_data(frames, job.how.choices.get("data", "data"), str(Path(str(config.data.path)).resolve()), digests)
    return digests


def record(job: Job, log: Any, fitted: Fit, evaluated: Evaluated) -> str:
    """Write and log everything that is to be known of a run, and its model; return the model's URI."""
    config, folder, clock = job.config, job.how.folder, job.clock
    material, outcome, digests, _ = fitted
    metrics, tables = evaluated
    facts = report.Facts(
        name=config.name or job.how.name,
        run_id=log.run_id,
        config=to_yaml(config),
        definitions={name: topic.get("definition", "") for name, topic in config.labels.topics.items()},
        digests=digests,
        overrides=job.how.overrides,
    )
    folder.mkdir(parents=True, exist_ok=True)
    with clock("report"):
        report.write_tables(folder, evaluated, material, outcome)
        report.write_top_terms(folder, outcome.model, plot=config.plots)
        (folder / "config.yaml").write_text(facts.config, encoding="utf-8")
        card = report.describe_model(facts, evaluated, material)
        (folder / "model_card.md").write_text(card, encoding="utf-8")
        logged = {name: table for name, table in tables.items() if name in LOGGED_TABLES}
        if config.plots:
            report.write_plots(folder, material, outcome, tables)
            logged["errors"] = report.find_errors(material, outcome, material.judged)
            logged["errors"].to_csv(folder / "errors.csv", index=False)
            report.write_page(folder, facts, evaluated, material, outcome, logged["errors"])
        log.log_tables(logged)
    description = report.describe_run(metrics, material, facts.definitions, material.judged)
    held = ~material.rows("train")  # what is like new text: neither terms nor thresholds were chosen on it
    with clock("log"):
        reference = profile_sentences(outcome.model, material.sentences[held], outcome.probabilities[held])
        info = {
            "slugline": __version__,
            "run_id": log.run_id,
            "data_digest": digests["train"],
            "definitions": facts.definitions,
            "reference": reference | {"counts": pack_counts(reference_counts(material, outcome))},
        }
        model, example = replace(outcome.model, info=info), pd.DataFrame({"text": [EXAMPLE]})
        uri: str = log.log_model(model, example, description, card)
    counted = metrics | report.count_metrics(material)
    with clock("log"):
        log.log(lambda: counted | clock.total(), folder, description)
    return uri
