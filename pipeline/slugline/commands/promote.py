"""`slugline promote`: a model against the champion on the same sentences; the alias moves only through the gate."""

import numpy as np

from slugline import tracking
from slugline.cache import Stages
from slugline.config.settings import PromoteSettings
from slugline.dataset import build_dataset
from slugline.errors import InputError, listing
from slugline.launch import Launch
from slugline.model import load_model
from slugline.promotion import Contender, EvaluationSet, Figures, Verdict, judge
from slugline.tracking import Version


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

    dataset = _read_dataset(settings)
    verdict = judge(settings.gate, dataset, _load(candidate), _load(champion) if champion else None)
    print(describe_verdict(verdict))
    registry.record(candidate, verdict.to_dict())
    if verdict.failed:
        raise InputError(f"version {candidate.number} does not pass: {listing(verdict.failed)}; {settings.alias} stays")

    registry.move(candidate, champion)
    before = champion.number if champion else "none"
    print(f"moved   {settings.alias} of {settings.registered_model}: {before} -> {candidate.number}")


def _load(version: Version) -> Contender:
    """Load the model of a version."""
    return Contender(version.number, version.folder, load_model(version.folder))


def _read_dataset(settings: PromoteSettings) -> EvaluationSet:
    """Read the labelled sentences of the part that models are judged on."""
    dataset = build_dataset(settings.data, settings.labels, settings.split, Stages(settings.cache))
    everything = np.ones(len(dataset.sentences), np.bool_)
    rows = everything if settings.part == "all" else dataset.rows(settings.part)
    sentences = dataset.sentences[rows]
    texts, articles = sentences["text"].tolist(), sentences["article_id"].to_numpy()
    return EvaluationSet(settings.part, texts, dataset.Y[rows], dataset.topics, articles)


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


def _describe_figures(name: str, figures: Figures) -> str:
    """Return the figures of a model in a line."""
    return (
        f"{name:<10}macro F1 {figures.macro:.3f}, least topic {min(figures.topics.values()):.3f}, calibration error "
        f"{figures.calibration:.3f}, {figures.milliseconds:.2f} ms a sentence, {figures.megabytes:.1f} MB"
    )
