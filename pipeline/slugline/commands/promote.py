"""`slugline promote`: a model against the champion on the same sentences; the alias moves only through the gate."""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from slugline import report, tracking
from slugline.cache import Stages
from slugline.config.recorded import read_run_settings
from slugline.config.settings import PromoteSettings
from slugline.data.context import read_context
from slugline.dataset import Dataset, build_dataset
from slugline.errors import InputError, listing
from slugline.launch import Launch
from slugline.model import load_model
from slugline.model.used_model import describe_used_model
from slugline.promotion import Contender, EvaluationSet, Failure, Figures, Gate, Reference, Verdict, judge
from slugline.report.next_steps import describe_prediction
from slugline.tracking import Registry, Version
from slugline.tracking.kept_parts import resolve_kept
from slugline.training.settings import TrainSettings

_MAX_OTHERS = 5  # versions that are described beside the one that is judged
_ReadSettings = Callable[[str], TrainSettings]  # what a run was trained with, by its id


def promote(settings: PromoteSettings, launch: Launch) -> None:
    """Judge a version of a registered model and move the alias to it, or move it back; leave with 1 when it may not."""
    registry = Registry(settings.registered_model, settings.alias, settings.tracking_uri)
    champion = registry.champion()
    if settings.rollback:
        print(f"back    {registry.move_back(champion)}")
        registry.write_description()
        return
    candidate = registry.version(settings.version)
    if champion is not None and champion.number == candidate.number:
        raise InputError(f"version {candidate.number} is {settings.alias} already; give another version=")

    print(_describe_choice(registry, settings, candidate))
    contender, holder = _load(candidate), champion and _load(champion)
    for shown in filter(None, (contender, holder)):
        name = tracking.name_model(f"models:/{registry.name}/{shown.version}", registry.uri)
        print(describe_used_model(name, shown.model.topics, shown.model.info))
    trained = cache(lambda run_id: _read_trained(run_id, settings))  # a run's settings are fetched once
    completed = _complete(settings, candidate, trained)
    labelled = _read_labelled(completed, trained)
    known = _find_trained(labelled, candidate)
    evaluation_set = labelled.without(known | _find_trained(labelled, champion) if champion else known)
    present = [version.number for version in (candidate, champion) if version]
    before = _load_before(registry, labelled, known, present)
    verdict = judge(settings.gate, evaluation_set, contender, holder, before)
    print(describe_verdict(verdict))
    registry.record(candidate, verdict.to_dict())
    if verdict.failed:
        print(_describe_way_out(verdict, launch))
        raise InputError(f"version {candidate.number} does not pass: {listing(verdict.failed)}; {settings.alias} stays")

    registry.move(candidate, champion)
    moved = f"{champion.number if champion else 'none'} -> {candidate.number}"
    print(f"moved   {settings.alias} of {settings.registered_model}: {moved}")
    registry.write_description(candidate)
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


@dataclass(frozen=True)
class _Labelled:
    """The labelled sentences to judge on: rows of a dataset, and how to know what versions were trained on."""

    dataset: Dataset
    rows: np.ndarray
    settings: PromoteSettings
    trained: _ReadSettings

    def without(self, rows: np.ndarray) -> EvaluationSet:
        """Return the sentences but those of some rows."""
        kept = self.rows & ~rows
        sentences = self.dataset.sentences[kept]
        texts, articles = sentences["text"].tolist(), sentences["article_id"].to_numpy()
        context = read_context(sentences)
        return EvaluationSet(self.settings.part, texts, self.dataset.Y[kept], self.dataset.topics, articles, context)

    def find_trained(self, version: Version) -> np.ndarray:
        """Return which rows a version was trained on; raise `InputError` where that cannot be known."""
        settings, recorded = self.settings, self.trained(version.run_id)
        made_of = (recorded.data, recorded.labels, recorded.split)
        is_same = made_of == (settings.data, settings.labels, settings.split)
        dataset = self.dataset if is_same else build_dataset(*made_of, Stages(settings.cache))
        ids = dataset.sentences["sentence_id"][dataset.rows("train")]
        return self.dataset.sentences["sentence_id"].isin(ids).to_numpy()


def _read_labelled(settings: PromoteSettings, trained: _ReadSettings) -> _Labelled:
    """Read the labelled sentences to judge on."""
    stages = Stages(settings.cache)
    dataset = build_dataset(settings.data, settings.labels, settings.split, stages, context=True)
    for line in report.describe_notes(dataset.read_as):
        print(line)
    rows = np.ones(len(dataset.sentences), np.bool_) if settings.part == "all" else dataset.rows(settings.part)
    if settings.part == "test" and not rows.any():
        raise InputError(
            "part=test: none of these sentences was held back (as with split.test=0), so no version can be "
            "judged by them; slugline compare compares runs that were cross-validated, and data= labels= part=all "
            "judges by sentences that no version knows"
        )
    if set(dataset.sentences["label_source"][rows]) == {"rules"}:
        print("caution the models are judged by keyword rules, not by people")
    return _Labelled(dataset, rows, settings, trained)


def _find_trained(labelled: _Labelled, version: Version) -> np.ndarray:
    """Return which rows a version was trained on, and print how many of those to judge on these are."""
    rows, part = labelled.rows, labelled.settings.part
    try:
        known = labelled.find_trained(version)
    except InputError as error:
        print(f"caution version {version.number} may have been trained on some of these sentences: {error}")
        return np.zeros(len(rows), np.bool_)
    if count := int((known & rows).sum()):
        print(
            f"data    left out: {count} of {int(rows.sum())} sentences, which version {version.number} was trained on"
        )
    if rows.any() and known[rows].all():
        raise InputError(
            f"part={part}: version {version.number} was trained on all of its sentences; give data= and "
            "labels= that it does not know"
        )
    return known


def _load_before(
    registry: Registry, labelled: _Labelled, known: np.ndarray, others: Sequence[str]
) -> list[tuple[Contender, EvaluationSet]]:
    """Return the champions before, but for `others`, each with sentences that it was not trained on.

    `known` are the rows that the candidate was trained on. Says which champions cannot be judged on this data.
    """
    found = []
    for number in registry.held_before():
        if number in others:
            continue
        try:
            version = registry.version(number)
            evaluation_set = labelled.without(known | labelled.find_trained(version))
            contender = _load(version)
            contender.check_topics(evaluation_set.topics)
            found.append((contender, evaluation_set))
        except InputError as error:
            print(f"note    version {number}, a champion before, cannot be judged on this data: {error}")
    return found


def _describe_choice(registry: Registry, settings: PromoteSettings, candidate: Version) -> str:
    """Return which version is judged, and what else there is, the newest first."""
    others = [number for number in registry.numbers()[::-1] if number != candidate.number]
    why = "as given" if settings.version else "the newest"
    lines = [f"chosen  version {candidate.number}, {why}: {registry.describe(candidate.number)}"]
    lines += [f"other   version {number}: {registry.describe(number)}" for number in others[:_MAX_OTHERS]]
    if len(others) > _MAX_OTHERS:
        lines.append(f"other   version {listing(others[_MAX_OTHERS:])}; version=N judges one of them")
    return "\n".join(lines)


def describe_verdict(verdict: Verdict) -> str:
    """Return the verdict in a few lines."""
    dataset = verdict.evaluation_set
    absent = f"; not judged, since none has it: {listing(dataset.absent)}" if dataset.absent else ""
    lines = [f"data    {len(dataset.texts)} sentences of {dataset.part}{absent}"]
    lines.append(_describe_figures("candidate", verdict.candidate))
    if verdict.champion:
        lines.append(_describe_figures("champion", verdict.champion.figures))
    if verdict.best_before:
        lines.append(_describe_figures("before", verdict.best_before.figures))
    lines.append(_describe_limits(verdict.gate))
    lines += [_describe_difference(reference, verdict.gate.max_macro_drop) for reference in verdict.references()]
    if verdict.best_before:
        best = f"note    version {verdict.best_before.version} is the best of the champions before"
        lines.append(f"{best}, judged on {verdict.best_before.sentences} sentences")
    return "\n".join(lines)


def _describe_difference(reference: Reference, limit: float) -> str:
    """Return by how much macro F1 is higher than a champion's, and what the gate makes of it."""
    gap = reference.difference
    numbers = f"{gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), p {gap['p']:.4f}"
    return f"macro F1  {numbers} against version {reference.version}: {reference.describe(limit)}"


def _describe_limits(gate: Gate) -> str:
    """Return the limits of the gate."""
    return (
        f"{'gate':<10}macro F1 worse by {gate.max_macro_drop:g} at most, least topic {gate.min_topic_f1:g} or more, "
        f"calibration error {gate.max_calibration_error:g} or less, {gate.max_milliseconds:g} ms a sentence or less, "
        f"{gate.max_megabytes:g} MB or less"
    )


def _describe_way_out(verdict: Verdict, launch: Launch) -> str:
    """Return what helps a version that failed, and a line with limits under which it passes."""
    limits: dict[str, float] = {}
    for failure in verdict.failed:
        key, limit, widest = f"gate.{failure.key}", _round_away(failure), min if failure.key == "min_topic_f1" else max
        limits[key] = widest(limits.get(key, limit), limit)
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
