"""`slugline label`: what the rules catch, the annotation guide, and the way to annotation tools and back."""

import json
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from slugline import annotate as annotations
from slugline import report
from slugline.annotate import Annotation
from slugline.cache import Stages
from slugline.config import Launch, flatten, instantiate, launch, to_yaml
from slugline.data.input_files import find_files
from slugline.data.schema import Rejected
from slugline.dataset import read_labelled
from slugline.errors import InputError, listing
from slugline.labels import Labels, known_labels
from slugline.labels.codebook import codebook
from slugline.labels.label_model import describe_rules, disagreements
from slugline.scoring import score

TASKS = ("codebook", "tasks", "annotations")


def label(config: DictConfig) -> None:
    """Do what is asked for: write the annotation guide or tasks, take in annotations, or apply the rules."""
    asked = [name for name in TASKS if config[name] is not None]
    if len(asked) > 1:
        raise InputError(f"found {listing(asked)}; allowed: one of them, or none to apply the rules")
    labels = instantiate(config.labels, "labels", tuple(config.allowed_modules))
    if asked == ["codebook"]:
        write(Path(config.codebook), codebook(labels.topics, labels.guidelines, labels.mode))
        print(f"codebook of {len(labels.topics)} topics: {config.codebook}")
    elif asked == ["tasks"]:
        write_tasks(config, labels)
    elif asked == ["annotations"]:
        take_annotations(config, labels)
    else:
        apply(config, labels, launch())


def read(config: DictConfig, labels: Labels) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the sentences, debris left out, with the labels that they have, and the topics."""
    data = instantiate(config.data, "data", tuple(config.allowed_modules))
    stages, untimed = Stages(instantiate(config.cache, "cache")), lambda stage: nullcontext()
    corpus, labelled = read_labelled(config, data, labels, stages, untimed)
    sentences = labelled.sentences[~labelled.sentences["debris"]].reset_index(drop=True)
    left = len(labelled.sentences) - len(sentences)
    print(
        f"data    {len(sentences)} sentences, {len(corpus.articles)} articles; left out: {left} debris, "
        f"{len(corpus.rejected)} rejected"
    )
    return sentences, labelled.topics


def write_tasks(config: DictConfig, labels: Labels) -> None:
    """Write sentences without a label by people as tasks for an annotation tool; all that have none, or the first."""
    sentences, topics = read(config, labels)
    open_ones = sentences[~sentences["label_source"].isin(["gold", "given"])]
    chosen = open_ones if config.size is None else open_ones.head(config.size)
    if chosen.empty:
        raise InputError("no sentence without a label by people: there is nothing to be labelled")
    definitions = {topic: labels.topics[topic].definition if topic in labels.topics else "" for topic in topics}
    annotations.write_tasks(Path(config.tasks), format_of(config), chosen, definitions, mode=labels.mode)
    print(f"tasks   {len(chosen)} of {len(open_ones)} sentences without a label by people: {config.tasks}")


def format_of(config: DictConfig) -> str:
    """Return the format of annotations that is asked for; raise `InputError` where none is."""
    if config.format is None:
        raise InputError(f"missing value: format; allowed: {listing(annotations.FORMATS)}")
    return str(config.format)


def take_annotations(config: DictConfig, labels: Labels) -> None:
    """Read what annotators said, keep it in the history, and write what all of the history says together as gold."""
    sentences, topics = read(config, labels)
    found, rejected = read_all(config, topics)
    matched, lost = annotations.match_annotations(found, sentences)
    new = annotations.append_history(Path(config.history), matched)
    every, _ = annotations.match_annotations(annotations.read_history(Path(config.history)), sentences)
    merged = annotations.merge(every, config.merge, config.adjudicator, labels.mode)
    gold = merged[merged["resolved"]].merge(sentences[["sentence_id", "article_id", "text"]], on="sentence_id")
    rows = [
        {key: row[key] for key in ("sentence_id", "article_id", "text", "labels", "annotators")}
        for row in gold.to_dict("records")
    ]
    write(Path(config.output), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"read    {len(found)} annotations, {len(rejected)} rows rejected, {len(lost)} of sentences changed or gone")
    for where, reason in [*((item.where, item.reason) for item in rejected), *((one.where, why) for one, why in lost)]:
        print(f"        {where}: {reason}")
    print(f"history {new} new of {len(every)}: {config.history}")
    print(describe_agreement(every, topics))
    for row in merged[~merged["resolved"]].to_dict("records"):
        print(f"open    {row['sentence_id']}: {', '.join(row['ties']) or 'skipped by all'}")
    print(f"gold    {len(rows)} sentences: {config.output}")
    print(f"next    slugline train labels=gold labels.gold={config.output} ...")


def read_all(config: DictConfig, topics: tuple[str, ...]) -> tuple[list[Annotation], list[Rejected]]:
    """Return what all files of annotations hold."""
    source = config.annotations if isinstance(config.annotations, str) else list(config.annotations)
    read_files = [annotations.read_annotations(file, config.format, topics) for file, _ in find_files(source)]
    return [one for found, _ in read_files for one in found], [item for _, bad in read_files for item in bad]


def describe_agreement(found: list[Annotation], topics: tuple[str, ...]) -> str:
    """Return how far annotators agree on each topic, where there are several."""
    people = sorted({one.annotator for one in found})
    if len(people) < 2:
        return f"people  {listing(people) or 'nobody'}"
    alpha = annotations.krippendorff_alpha(found, topics)
    rows = "\n".join(f"        {topic:<16}{value:6.2f}" for topic, value in alpha.items())
    return f"people  {listing(people)}; Krippendorff's alpha per topic:\n{rows}"


def apply(config: DictConfig, labels: Labels, how: Launch) -> None:
    """Apply the rules, say what each does and how good they are together on gold labels, and log it."""
    sentences, topics = read(config, labels)
    rules = labels.all_rules()
    if not rules:
        raise InputError("no rule: labels.topics have no keywords or patterns, and labels.functions is empty")
    start = time.perf_counter()
    votes = labels.vote(sentences["text"].tolist())
    seconds = time.perf_counter() - start
    gold = known_labels(sentences, topics)
    of = {name: rule.topic for name, rule in rules.items()}
    found = describe_rules(votes, of, gold, topics)
    probabilities = labels.weigh(votes, np.full_like(gold, -1))
    metrics = {
        f"rules/{key}/{row['rule']}": row[key]
        for row in found.to_dict("records")
        for key in ("coverage", "overlaps", "conflicts", "accuracy")
        if row[key] == row[key]
    }
    judged = (gold >= 0).all(axis=1)
    if judged.any():
        metrics |= score("gold", gold[judged] == 1, probabilities[judged] > 0.5, probabilities[judged], topics)
    print(f"rules   {len(rules)} of {len(topics)} topics on {len(sentences)} sentences in {seconds:.1f} s")
    print(found.drop(columns="correct").to_string(index=False, float_format="{:.3f}".format))
    if judged.any():
        print(f"together ({labels.label_model}, which saw no gold labels), on {int(judged.sum())} with gold labels:")
        print(report.describe_scores(metrics, topics, "gold"))
    both = disagreements(votes, list(of.values()), topics)
    tables = {
        "rules": found,
        "disagreements": describe_disagreements(sentences, votes, of, both, topics),
        "labels": sentences[["sentence_id", "article_id", "text"]].join(
            pd.DataFrame(probabilities, columns=list(topics))
        ),
    }
    print(f"disagree on {int(both.any(axis=1).sum())} sentences")
    print(log(config, how, tables, metrics))


def describe_disagreements(
    sentences: pd.DataFrame, votes: np.ndarray, of: Mapping[str, str], both: np.ndarray, topics: tuple[str, ...]
) -> pd.DataFrame:
    """Return the sentences that rules vote both ways on, a row for each topic, with the rules of both sides."""
    names = np.array(list(of))
    rows = []
    for row, column in np.argwhere(both):
        mine = np.array([topic == topics[column] for topic in of.values()])
        sides = {side: ", ".join(names[mine & (votes[row] == vote)]) for side, vote in (("for", 1), ("against", -1))}
        rows.append(
            {
                "sentence_id": sentences["sentence_id"].iloc[row],
                "topic": topics[column],
                **sides,
                "text": sentences["text"].iloc[row],
            }
        )
    return pd.DataFrame(rows, columns=["sentence_id", "topic", "for", "against", "text"])


def log(config: DictConfig, how: Launch, tables: Mapping[str, pd.DataFrame], metrics: Mapping[str, float]) -> str:
    """Log tables and metrics as a run, and return where it is."""
    settings = instantiate(config.tracking, "tracking", tuple(config.allowed_modules))
    with settings.run(config.name or f"label {how.name}", how.folder, flatten(config)) as run:
        how.folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            table.to_csv(how.folder / f"{name}.csv", index=False)
        (how.folder / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
        run.log(lambda: dict(metrics), how.folder, "What the labelling rules catch.")
        return f"run     {run.where()}"


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = file.with_name(f".{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}") from error
