"""`slugline promote`: a model against the champion on the same sentences; the alias moves only through the gate."""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig

from slugline import tracking
from slugline.cache import Stages
from slugline.config import instantiate
from slugline.dataset import Material, prepare
from slugline.errors import InputError, listing
from slugline.model import TopicModel, load_model
from slugline.scoring import expected_calibration_error, paired, score
from slugline.tracking import Version


@dataclass(frozen=True)
class Gate:
    """What a model must be to become the champion.

    `max_macro_drop`: its macro F1 is not lower than the champion's by more than this, with 95 % confidence (the lower
    end of the interval of the difference). `min_topic_f1`: no topic is below. `max_calibration_error`: expected
    calibration error, the mean over topics. `max_milliseconds` for a sentence, in a batch. `max_megabytes` on disk.
    """

    max_macro_drop: float = 0.02
    min_topic_f1: float = 0.0
    max_calibration_error: float = 0.1
    max_milliseconds: float = 10.0
    max_megabytes: float = 500.0


class Figures(NamedTuple):
    """What the gate looks at; `decided` booleans (sentences, topics)."""

    decided: np.ndarray
    macro: float
    topics: dict[str, float]
    calibration: float
    milliseconds: float
    megabytes: float


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
    gate: Gate = instantiate({"_target_": "slugline.commands.promote.Gate", **config.gate}, "gate")
    verdict = judge(config, gate, candidate, champion)
    print(describe(verdict))
    registry.record(candidate, verdict)
    if verdict["failed"]:
        raise InputError(
            f"version {candidate.number} does not pass: {listing(verdict['failed'])}; {config.alias} stays"
        )
    registry.move(candidate, champion)
    before = champion.number if champion else "none"
    print(f"moved   {config.alias} of {config.registered_model}: {before} -> {candidate.number}")


def judge(config: DictConfig, gate: Gate, candidate: Version, champion: Version | None) -> dict[str, Any]:
    """Return all figures of both models and what of the gate the candidate fails."""
    sections = ("data", "labels", "split")
    parts = {name: instantiate(config[name], name, tuple(config.allowed_modules)) for name in sections}
    stages = Stages(instantiate(config.cache, "cache"))
    material = prepare(config, parts, stages, lambda stage: nullcontext())
    rows = np.ones(len(material.sentences), np.bool_) if config.part == "all" else material.rows(config.part)
    if not rows.any():
        raise InputError(f"part={config.part}: it has no sentences")
    stands = material.Y[rows].any(axis=0)
    absent = [topic for topic, some in zip(material.topics, stands, strict=True) if not some]
    if not stands.any():
        raise InputError(f"part={config.part}: none of its sentences has a topic")
    topics = tuple(topic for topic in material.topics if topic not in absent)
    material = material._replace(topics=topics, Y=material.Y[:, stands])
    new = measure(load_model(candidate.folder), candidate.folder, material, rows)
    found = {
        "candidate": said(new),
        "gate": asdict(gate),
        "sentences": int(rows.sum()),
        "part": config.part,
        "absent": absent,
    }
    failed = check(gate, new)
    if champion is not None:
        old = measure(load_model(champion.folder), champion.folder, material, rows)
        articles = material.sentences["article_id"][rows].to_numpy()
        macro = paired(material.Y[rows], new.decided, old.decided, articles, material.topics).loc["f1_macro"]
        found |= {"champion": said(old) | {"version": champion.number}, "difference": macro.drop("p_holm").to_dict()}
        failed += [f"macro F1 lower by up to {-macro['low']:.3f}"] if macro["low"] < -gate.max_macro_drop else []
    return found | {"version": candidate.number, "failed": failed}


def measure(model: TopicModel, folder: Path, material: Material, rows: np.ndarray) -> Figures:
    """Return the figures of a model on some sentences; raise `InputError` for one with other topics."""
    if missing := [topic for topic in material.topics if topic not in model.topics]:
        raise InputError(
            f"model {folder} has no topic '{missing[0]}', which the data has; it has: {listing(model.topics, 40)}"
        )
    columns = [model.topics.index(topic) for topic in material.topics]
    texts, Y = material.sentences["text"][rows].tolist(), material.Y[rows]
    start = time.perf_counter()
    P = model.predict_proba(texts)
    seconds = time.perf_counter() - start
    decided = model.decide(P)[:, columns]
    scores = score("test", Y, decided, P[:, columns], material.topics)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    topics = {topic: scores[f"test/f1/{topic}"] for topic in material.topics}
    calibration = float(np.mean([expected_calibration_error(y, p) for y, p in zip(Y.T, P[:, columns].T, strict=True)]))
    return Figures(decided, scores["test/f1_macro"], topics, calibration, 1000 * seconds / len(texts), size / 1e6)


def said(figures: Figures) -> dict[str, Any]:
    """Return figures as JSON can hold them."""
    return {key: value for key, value in figures._asdict().items() if key != "decided"}


def check(gate: Gate, new: Figures) -> list[str]:
    """Return what a model fails by itself."""
    failed = [f"F1 of {topic} is {f1:.3f}" for topic, f1 in new.topics.items() if f1 < gate.min_topic_f1]
    limits = {
        "calibration error": (new.calibration, gate.max_calibration_error),
        "milliseconds for a sentence": (new.milliseconds, gate.max_milliseconds),
        "megabytes": (new.megabytes, gate.max_megabytes),
    }
    return failed + [f"{name} {value:.3g}" for name, (value, most) in limits.items() if value > most]


def describe(verdict: Mapping[str, Any]) -> str:
    """Return the verdict in a few lines."""
    absent = f"; not judged, since none has it: {listing(verdict['absent'])}" if verdict["absent"] else ""
    lines = [f"data    {verdict['sentences']} sentences of {verdict['part']}{absent}"]
    for name in ("candidate", "champion"):
        if figures := verdict.get(name):
            least = min(figures["topics"].values())
            lines.append(
                f"{name:<10}macro F1 {figures['macro']:.3f}, least topic {least:.3f}, calibration error "
                f"{figures['calibration']:.3f}, {figures['milliseconds']:.2f} ms a sentence, "
                f"{figures['megabytes']:.1f} MB"
            )
    if gap := verdict.get("difference"):
        lines.append(f"macro F1  {gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), p {gap['p']:.4f}")
    return "\n".join(lines)
