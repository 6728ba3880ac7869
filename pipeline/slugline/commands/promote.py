"""`slugline promote`: a model against the champion on the same sentences; the alias moves only through the gate."""

from contextlib import nullcontext

import numpy as np
from omegaconf import DictConfig

from slugline import tracking
from slugline.cache import Stages
from slugline.config import instantiate
from slugline.dataset import prepare
from slugline.errors import InputError, listing
from slugline.model import TopicModel
from slugline.promotion import Contender, EvaluationSet, Figures, Gate, Verdict, judge
from slugline.tracking import Version


def promote(config: DictConfig) -> None:
    """Judge a version of a registered model and move the alias to it, or move it back; leave with 1 when it may not."""
    registry = tracking.Registry(config.registered_model, config.alias, config.tracking_uri)
    champion = registry.champion()
    if config.rollback:
        print(f"back    {registry.move_back(champion)}")
        return
    candidate = registry.version(config.version)
    if champion is not None and champion.number == candidate.number:
        raise InputError(f"version {candidate.number} is {config.alias} already; give another version=")
    gate: Gate = instantiate({"_target_": "slugline.promotion.Gate", **config.gate}, "gate")
    dataset = read_dataset(config)
    verdict = judge(gate, dataset, load(candidate), load(champion) if champion else None)
    print(describe(verdict))
    registry.record(candidate, verdict.to_dict())
    if verdict.failed:
        raise InputError(f"version {candidate.number} does not pass: {listing(verdict.failed)}; {config.alias} stays")
    registry.move(candidate, champion)
    before = champion.number if champion else "none"
    print(f"moved   {config.alias} of {config.registered_model}: {before} -> {candidate.number}")


def load(version: Version) -> Contender:
    """Load the model of a version."""
    return Contender(version.number, version.folder, TopicModel.load(version.folder))


def read_dataset(config: DictConfig) -> EvaluationSet:
    """Read the labelled sentences of the part that models are judged on."""
    sections = ("data", "labels", "split")
    parts = {name: instantiate(config[name], name, tuple(config.allowed_modules)) for name in sections}
    material = prepare(config, parts, Stages(instantiate(config.cache, "cache")), lambda stage: nullcontext())
    rows = np.ones(len(material.sentences), np.bool_) if config.part == "all" else material.rows(config.part)
    sentences = material.sentences[rows]
    texts, articles = sentences["text"].tolist(), sentences["article_id"].to_numpy()
    return EvaluationSet(config.part, texts, material.Y[rows], material.topics, articles)


def describe(verdict: Verdict) -> str:
    """Return the verdict in a few lines."""
    absent = f"; not judged, since none has it: {listing(verdict.absent)}" if verdict.absent else ""
    lines = [f"data    {verdict.sentences} sentences of {verdict.part}{absent}"]
    lines.append(describe_figures("candidate", verdict.candidate))
    if verdict.champion:
        lines.append(describe_figures("champion", verdict.champion))
    if gap := verdict.difference:
        lines.append(f"macro F1  {gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), p {gap['p']:.4f}")
    return "\n".join(lines)


def describe_figures(name: str, figures: Figures) -> str:
    """Return the figures of a model in a line."""
    return (
        f"{name:<10}macro F1 {figures.macro:.3f}, least topic {min(figures.topics.values()):.3f}, calibration error "
        f"{figures.calibration:.3f}, {figures.milliseconds:.2f} ms a sentence, {figures.megabytes:.1f} MB"
    )
