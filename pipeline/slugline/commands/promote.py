"""`slugline promote`: a model against the champion on the same sentences; the alias moves only through the gate."""

import math
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from slugline import report, tracking
from slugline.cache import Stages
from slugline.config.recorded import read_run_settings
from slugline.config.settings import PromoteSettings
from slugline.dataset import Dataset, build_dataset
from slugline.errors import InputError, listing
from slugline.launch import Launch
from slugline.model import load_model
from slugline.model.used_model import describe_used_model
from slugline.promotion import Contender, EvaluationSet, Failure, Figures, Verdict, judge
from slugline.report.next_steps import describe_prediction
from slugline.tracking import Version
from slugline.tracking.kept_parts import resolve_kept
from slugline.training.settings import TrainSettings

_ReadSettings = Callable[[str], TrainSettings]  # what a run was trained with, by its id


def promote(settings: PromoteSettings, launch: Launch) -> None:
    """Judge a version of a registered model and move the alias to it, or move it back; leave with 1 when it may not."""
    registry = tracking.Registry(settings.registered_model, settings.alias, settings.tracking_uri)
    champion = registry.champion()
    if settings.rollback:
        print(f"back    {registry.move_back(champion)}")
        return
    candidate = registry.version(settings.version)
    if champion is not None and champion.number == candidate.number:
        raise InputError(f"version {candidate.number} is {settings.alias} already; give another version=")

    contenders = [_load(version) for version in (candidate, champion) if version is not None]
    for contender in contenders:
        name = tracking.name_model(f"models:/{registry.name}/{contender.version}", registry.uri)
        print(describe_used_model(name, contender.model.topics, contender.model.info))
    trained = cache(lambda run_id: _read_trained(run_id, settings))  # a run's settings are fetched once
    completed = _complete(settings, candidate, trained)
    evaluation_set = _read_evaluation_set(completed, candidate, champion, trained)
    verdict = judge(settings.gate, evaluation_set, *contenders)
    print(describe_verdict(verdict))
    registry.record(candidate, verdict.to_dict())
    if verdict.failed:
        print(_describe_way_out(verdict, launch))
        raise InputError(f"version {candidate.number} does not pass: {listing(verdict.failed)}; {settings.alias} stays")

    registry.move(candidate, champion)
    before = champion.number if champion else "none"
    print(f"moved   {settings.alias} of {settings.registered_model}: {before} -> {candidate.number}")
    model_uri = f"models:/{settings.registered_model}@{settings.alias}"
    print(describe_prediction(completed.data, model_uri, settings.tracking_uri))


def _load(version: Version) -> Contender:
    """Load the model of a version."""
    return Contender(version.number, version.folder, load_model(version.folder))


def _read_trained(run_id: str, settings: PromoteSettings) -> TrainSettings:
    """Return what a run was trained with, its split with the parts that it kept."""
    recorded = read_run_settings(run_id, settings.allowed_modules, settings.tracking_uri)
    return replace(recorded, split=resolve_kept(recorded.split, settings.tracking_uri))


def _complete(settings: PromoteSettings, candidate: Version, trained: _ReadSettings) -> PromoteSettings:
    """Return settings with the data, labels and split that the candidate was trained with, where none are given."""
    missing = [name for name in ("data", "labels", "split") if getattr(settings, name) is None]
    recorded = trained(candidate.run_id) if missing else None
    completed = replace(settings, **{name: getattr(recorded, name) for name in missing})
    return replace(completed, split=resolve_kept(completed.split, settings.tracking_uri))


def _read_evaluation_set(
    settings: PromoteSettings, candidate: Version, champion: Version | None, trained: _ReadSettings
) -> EvaluationSet:
    """Read the labelled sentences to judge on, without those that a model was trained on; print how many these are."""
    dataset = build_dataset(settings.data, settings.labels, settings.split, Stages(settings.cache))
    for line in report.describe_notes(dataset.read_as):
        print(line)
    rows = np.ones(len(dataset.sentences), np.bool_) if settings.part == "all" else dataset.rows(settings.part)
    for version in (candidate, champion):
        if version is not None:
            rows = rows & ~_find_trained(dataset, rows, version, settings, trained)
    sentences = dataset.sentences[rows]
    if set(sentences["label_source"]) == {"rules"}:
        print("caution the models are judged by keyword rules, not by people")
    texts, articles = sentences["text"].tolist(), sentences["article_id"].to_numpy()
    return EvaluationSet(settings.part, texts, dataset.Y[rows], dataset.topics, articles)


def _find_trained(
    judged: Dataset, rows: np.ndarray, version: Version, settings: PromoteSettings, trained: _ReadSettings
) -> np.ndarray:
    """Return which sentences a version was trained on, and print how many of the rows these are."""
    ids = judged.sentences["sentence_id"]
    try:
        recorded = trained(version.run_id)
        made_of = (recorded.data, recorded.labels, recorded.split)
        is_same = made_of == (settings.data, settings.labels, settings.split)
        dataset = judged if is_same else build_dataset(*made_of, Stages(settings.cache))
    except InputError as error:
        print(f"caution version {version.number} may have been trained on some of these sentences: {error}")
        return np.zeros(len(ids), np.bool_)
    known = ids.isin(dataset.sentences["sentence_id"][dataset.rows("train")]).to_numpy()
    if count := int((known & rows).sum()):
        print(
            f"data    left out: {count} of {int(rows.sum())} sentences, which version {version.number} was trained on"
        )
    if rows.any() and known[rows].all():
        raise InputError(
            f"part={settings.part}: version {version.number} was trained on all of its sentences; give data= and "
            "labels= that it does not know"
        )
    return known


def describe_verdict(verdict: Verdict) -> str:
    """Return the verdict in a few lines."""
    dataset = verdict.evaluation_set
    absent = f"; not judged, since none has it: {listing(dataset.absent)}" if dataset.absent else ""
    lines = [f"data    {len(dataset.texts)} sentences of {dataset.part}{absent}"]
    lines.append(_describe_figures("candidate", verdict.candidate))
    if verdict.champion:
        lines.append(_describe_figures("champion", verdict.champion))
    if gap := verdict.difference:
        lines.append(f"macro F1  {gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), p {gap['p']:.4f}")
    return "\n".join(lines)


def _describe_way_out(verdict: Verdict, launch: Launch) -> str:
    """Return what helps a version that failed, and a line with limits under which it passes."""
    limits: dict[str, float] = {}
    for failure in sorted(verdict.failed, key=lambda failure: -failure.value):  # the weakest topic last
        limits[f"gate.{failure.key}"] = _round_away(failure)
    kept = [option for option in launch.overrides or () if option.partition("=")[0] not in {*limits, "version"}]
    options = [*kept, f"version={verdict.version}", *(f"{key}={limit:g}" for key, limit in limits.items())]
    size = len(verdict.evaluation_set.texts)
    few = f"few sentences make wide intervals, here {size}: label more, or judge on other data by data= and labels="
    return "\n".join(
        [
            *([f"note    {few}"] if "gate.max_macro_drop" in limits else []),
            "note    the next line moves the alias all the same, by wider limits",
            f"next    {shlex.join(['slugline', 'promote', *launch.options, *options])}",
        ]
    )


def _round_away(failure: Failure) -> float:
    """Return a limit in few digits that the value keeps; for milliseconds, which vary, twice the value."""
    value = 2 * failure.value if failure.key == "max_milliseconds" else failure.value
    if failure.key == "min_topic_f1":
        return math.floor(100 * value) / 100
    return math.ceil(100 * value) / 100


def _describe_figures(name: str, figures: Figures) -> str:
    """Return the figures of a model in a line."""
    return (
        f"{name:<10}macro F1 {figures.macro:.3f}, least topic {min(figures.topics.values()):.3f}, calibration error "
        f"{figures.calibration:.3f}, {figures.milliseconds:.2f} ms a sentence, {figures.megabytes:.1f} MB"
    )
