"""`slugline promote`: a model against the champion on the same sentences; the alias moves only through the gate."""

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

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
from slugline.model.used_model import describe_used_model, is_by_rules
from slugline.promotion import Contender, EvaluationSet, Failure, Verdict, judge, share_predictions
from slugline.report.next_steps import describe_prediction, repeat_split
from slugline.report.verdict import describe_verdict
from slugline.tracking import Registry, Version
from slugline.tracking.kept_parts import resolve_kept
from slugline.tracking.run_predictions import CROSS_VALIDATED_PREDICTIONS, TEST_PREDICTIONS, read_predictions
from slugline.training.judged import CROSS_VALIDATED
from slugline.training.settings import TrainSettings

_MAX_OTHERS = 5  # versions that are described beside the one that is judged
_BY_RULES = "caution the models are judged by keyword rules, not by people"
_ReadSettings = Callable[[str], TrainSettings]  # what a run was trained with, by its id


class _Pair(NamedTuple):
    """The version to judge and, where there is one, the champion: in the registry, and loaded."""

    registry: Registry
    candidate: Version
    champion: Version | None
    contender: Contender
    holder: Contender | None = None

    def numbers(self) -> list[str]:
        """Return the numbers of both."""
        return [version.number for version in (self.candidate, self.champion) if version]


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

    settings = replace(settings, part=_choose_part(settings, candidate))
    print(_describe_choice(registry, settings, candidate))
    models = [_load(version, settings) for version in (candidate, champion) if version]
    for shown in models:
        name = tracking.name_model(f"models:/{registry.name}/{shown.version}", registry.uri)
        print(describe_used_model(name, shown.model.topics, shown.model.info))
    trained = cache(lambda run_id: _read_trained(run_id, settings))  # a run's settings are fetched once
    completed = _complete(settings, candidate, trained)
    pair = _Pair(registry, candidate, champion, *models)
    if settings.part == CROSS_VALIDATED:
        verdict = _judge_cross_validated(pair, settings, launch)
    else:
        verdict = _judge_held_out(pair, _read_labelled(completed, trained))
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


def _choose_part(settings: PromoteSettings, candidate: Version) -> str:
    """Return the part to judge by: where none is given, the cross-validated one of a candidate whose run has that."""
    given = [name for name in ("data", "labels", "split") if getattr(settings, name) is not None]
    if settings.part == CROSS_VALIDATED and given:
        raise InputError(f"part={CROSS_VALIDATED} judges by what runs predicted; allowed: no {given[0]}= beside it")
    if settings.part is not None:
        return settings.part
    return CROSS_VALIDATED if not given and _is_cross_validated(candidate, settings.tracking_uri) else "test"


def _is_cross_validated(version: Version, uri: str | None) -> bool:
    """Tell whether the run of a version has predictions by cross-validation."""
    with tracking.explained(uri):
        return CROSS_VALIDATED_PREDICTIONS in tracking.table_names(version.run_id, uri)


def _load(version: Version, settings: PromoteSettings) -> Contender:
    """Load the model of a version; and, to judge by them, what its run predicted by cross-validation."""
    uri, predictions = settings.tracking_uri, None
    if settings.part == CROSS_VALIDATED and _is_cross_validated(version, uri):
        predictions = read_predictions(tracking.read_run(version.run_id, uri), CROSS_VALIDATED_PREDICTIONS, uri)
    return Contender(version.number, version.folder, load_model(version.folder), predictions)


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
    part: str
    rows: np.ndarray
    settings: PromoteSettings
    trained: _ReadSettings

    def without(self, rows: np.ndarray) -> EvaluationSet:
        """Return the sentences but those of some rows."""
        kept = self.rows & ~rows
        sentences = self.dataset.sentences[kept]
        texts, articles = sentences["text"].tolist(), sentences["article_id"].to_numpy()
        context = read_context(sentences)
        return EvaluationSet(self.part, texts, self.dataset.Y[kept], self.dataset.topics, articles, context)

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
    part = settings.part or "test"
    rows = np.ones(len(dataset.sentences), np.bool_) if part == "all" else dataset.rows(part)
    if part == "test" and not rows.any():
        raise InputError(
            "part=test: none of these sentences was held back (as with split.test=0), so no version can be "
            "judged by them; part=cross_validated judges by the cross-validation of their runs, and data= labels= "
            "part=all by sentences that no version knows"
        )
    if set(dataset.sentences["label_source"][rows]) == {"rules"}:
        print(_BY_RULES)
    return _Labelled(dataset, part, rows, settings, trained)


def _find_trained(labelled: _Labelled, version: Version) -> np.ndarray:
    """Return which rows a version was trained on, and print how many of those to judge on these are."""
    rows, part = labelled.rows, labelled.part
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
    pair: _Pair, settings: PromoteSettings, find: Callable[[Version, Contender], EvaluationSet]
) -> list[tuple[Contender, EvaluationSet]]:
    """Return the champions before those of a pair, each with sentences to judge on, and say which have none here."""
    found = []
    for number in pair.registry.held_before():
        if number in pair.numbers():
            continue
        try:
            version = pair.registry.version(number)
            contender = _load(version, settings)
            evaluation_set = find(version, contender)
            contender.check_topics(evaluation_set.without_absent().topics)
            found.append((contender, evaluation_set))
        except InputError as error:
            print(f"note    version {number}, a champion before, cannot be judged on this data: {error}")
    return found


def _judge_held_out(pair: _Pair, labelled: _Labelled) -> Verdict:
    """Judge a candidate by what the models predict for sentences that none was trained on."""
    known = _find_trained(labelled, pair.candidate)
    both = known | _find_trained(labelled, pair.champion) if pair.champion else known
    evaluation_set, settings = labelled.without(both), labelled.settings
    before = _load_before(pair, settings, lambda version, _: labelled.without(known | labelled.find_trained(version)))
    return judge(settings.gate, evaluation_set, pair.contender, pair.holder, before)


def _judge_cross_validated(pair: _Pair, settings: PromoteSettings, launch: Launch) -> Verdict:
    """Judge a candidate by what the runs of the models predicted by cross-validation."""
    contender, holder = pair.contender, pair.holder
    try:
        evaluation_set = share_predictions(CROSS_VALIDATED, contender, holder)
    except InputError as error:
        raise InputError(f"{error}; {_describe_other_part(pair, launch)}") from error
    count, total = len(evaluation_set.texts), len(contender.predictions())
    if holder and count < total:
        print(
            f"data    left out: {total - count} of {total} sentences, which version {holder.version} was not "
            "judged on, or by other labels"
        )
    if is_by_rules(contender.model.info, "judged"):
        print(_BY_RULES)
    before = _load_before(pair, settings, lambda _, former: share_predictions(CROSS_VALIDATED, contender, former))
    return judge(settings.gate, evaluation_set, contender, holder, before)


def _describe_other_part(pair: _Pair, launch: Launch) -> str:
    """Return how a pair can be judged where cross-validation cannot: with the command."""
    uri, champion = pair.registry.uri, pair.champion
    given = [option for option in launch.overrides or () if option.partition("=")[0] not in ("version", "part")]

    def name_command(*options: str) -> str:
        return shlex.join(
            ["slugline", "promote", *launch.options, *given, f"version={pair.candidate.number}", *options]
        )

    if TEST_PREDICTIONS in tracking.table_names(pair.candidate.run_id, uri):
        return f"judge both by the sentences held out as test: {name_command('part=test')}"
    if champion and pair.holder and pair.holder.cross_validated is None:
        parts = repeat_split(champion.run_id, tracking.read_run(champion.run_id, uri).params)
        return f"slugline train {shlex.join(parts)} ... makes a version that part=test can judge beside it"
    new = name_command("data=sentences", "data.path=FILE", "part=all")
    return f"judge both by labelled sentences that neither learned from: {new}"


def _describe_choice(registry: Registry, settings: PromoteSettings, candidate: Version) -> str:
    """Return which version is judged, and what else there is, the newest first."""
    others = [number for number in registry.numbers()[::-1] if number != candidate.number]
    why = "as given" if settings.version else "the newest"
    lines = [f"chosen  version {candidate.number}, {why}: {registry.describe(candidate.number)}"]
    lines += [f"other   version {number}: {registry.describe(number)}" for number in others[:_MAX_OTHERS]]
    if len(others) > _MAX_OTHERS:
        lines.append(f"other   version {listing(others[_MAX_OTHERS:])}; version=N judges one of them")
    return "\n".join(lines)


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
