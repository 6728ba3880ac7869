"""`slugline label`: what the rules catch, the annotation guide, and the way to annotation tools and back."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig

from slugline import annotate, report
from slugline.annotate import Annotation, CollectedGold
from slugline.cache import Stages
from slugline.config import Launch, flatten, instantiate, launch, to_yaml
from slugline.dataset import read_labelled
from slugline.errors import InputError, listing
from slugline.files import write_files
from slugline.labels import Labels
from slugline.labels.codebook import codebook
from slugline.review.rules import RulesReport, report_rules

_JOBS = ("codebook", "tasks", "annotations")


def label(config: DictConfig) -> None:
    """Write the annotation guide or tasks, collect annotations, or apply the rules."""
    jobs = [name for name in _JOBS if config[name] is not None]
    if len(jobs) > 1:
        raise InputError(f"found {listing(jobs)}; allowed: one of them, or none to apply the rules")

    labels = instantiate(config.labels, "labels", tuple(config.allowed_modules))
    if jobs == ["codebook"]:
        _write_codebook(config, labels)
    elif jobs == ["tasks"]:
        _write_tasks(config, labels)
    elif jobs == ["annotations"]:
        _collect_annotations(config, labels)
    else:
        _apply_rules(config, labels)


def _read(config: DictConfig, labels: Labels) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the sentences, debris left out, with the labels that they have, and the topics; print what was read."""
    data = instantiate(config.data, "data", tuple(config.allowed_modules))
    stages, untimed = Stages(instantiate(config.cache, "cache")), lambda stage: nullcontext()
    corpus, labelled = read_labelled(config, data, labels, stages, untimed)

    sentences = labelled.sentences[~labelled.sentences["debris"]].reset_index(drop=True)
    debris = len(labelled.sentences) - len(sentences)
    print(
        f"data    {len(sentences)} sentences, {len(corpus.articles)} articles; left out: {debris} debris, "
        f"{len(corpus.rejected)} rejected"
    )
    return sentences, labelled.topics


def _write_codebook(config: DictConfig, labels: Labels) -> None:
    """Write the annotation guide."""
    text = codebook(labels.topics, labels.guidelines, labels.mode)
    write_files({Path(config.codebook): text.encode()})
    print(f"codebook of {len(labels.topics)} topics: {config.codebook}")


def _write_tasks(config: DictConfig, labels: Labels) -> None:
    """Write sentences that no person has labelled as tasks for an annotation tool."""
    sentences, topics = _read(config, labels)
    unlabelled = annotate.select_unlabelled(sentences)
    chosen = unlabelled if config.size is None else unlabelled.head(config.size)
    if chosen.empty:
        raise InputError("no sentence without a label by people: there is nothing to be labelled")
    if config.format is None:
        raise InputError(f"missing value: format; allowed: {listing(annotate.FORMATS)}")

    definitions = {topic: labels.topics[topic].definition if topic in labels.topics else "" for topic in topics}
    annotate.write_tasks(Path(config.tasks), config.format, chosen, definitions, mode=labels.mode)
    print(f"tasks   {len(chosen)} of {len(unlabelled)} sentences without a label by people: {config.tasks}")


def _collect_annotations(config: DictConfig, labels: Labels) -> None:
    """Add annotations to the history, and write what all of it amounts to as gold labels."""
    sentences, topics = _read(config, labels)
    source = config.annotations if isinstance(config.annotations, str) else list(config.annotations)
    collected = annotate.collect_gold(
        annotate.find_annotation_files(source),
        sentences,
        topics,
        history=Path(config.history),
        format=config.format,
        method=config.merge,
        adjudicator=config.adjudicator,
        mode=labels.mode,
    )
    _print_rejected(collected)
    if not collected.history:
        raise InputError(f"no annotation of these sentences could be read; {config.output} is not written")

    annotate.write_gold(Path(config.output), collected.gold)
    print(f"history {collected.new} new of {len(collected.history)}: {config.history}")
    _print_agreement(collected.history, topics)
    for row in collected.unresolved.to_dict("records"):
        print(f"open    {row['sentence_id']}: {', '.join(row['ties']) or 'skipped by all'}")
    print(f"gold    {len(collected.gold)} sentences: {config.output}")
    print(f"next    slugline train labels=gold labels.gold={config.output} ...")


def _print_rejected(collected: CollectedGold) -> None:
    """Print how many annotations were read, and which could not be used for which reason."""
    rejected, unmatched = collected.rejected, collected.unmatched
    print(
        f"read    {collected.read} annotations, {len(rejected)} rows rejected, "
        f"{len(unmatched)} of sentences changed or gone"
    )
    for item in [*rejected, *unmatched]:
        print(f"        {item.where}: {item.reason}")


def _print_agreement(history: list[Annotation], topics: tuple[str, ...]) -> None:
    """Print who annotated, and where there are several, how far they agree on each topic."""
    people = sorted({annotation.annotator for annotation in history})
    if len(people) == 1:
        print(f"people  {people[0]}")
        return
    print(f"people  {listing(people)}; Krippendorff's alpha per topic:")
    for topic, alpha in annotate.krippendorff_alpha(history, topics).items():
        print(f"        {topic:<16}{alpha:6.2f}")


def _apply_rules(config: DictConfig, labels: Labels) -> None:
    """Apply the rules, print what each does and how good they are together on gold labels, and log it."""
    launched = launch()
    sentences, topics = _read(config, labels)
    rules_report = report_rules(sentences, topics, labels)

    count, seconds = len(rules_report.rules), rules_report.seconds
    print(f"rules   {count} of {len(topics)} topics on {len(sentences)} sentences in {seconds:.1f} s")
    print(rules_report.rules.drop(columns="correct").to_string(index=False, float_format="{:.3f}".format))
    if rules_report.judged:
        print(f"together ({labels.label_model}, which saw no gold labels), on {rules_report.judged} with gold labels:")
        print(report.describe_scores(rules_report.metrics, topics, "gold"))
    print(f"disagree on {rules_report.disagreements['sentence_id'].nunique()} sentences")
    print(_log(config, launched, rules_report))


def _log(config: DictConfig, launched: Launch, rules_report: RulesReport) -> str:
    """Log the tables and metrics as a run, and return where it is."""
    settings = instantiate(config.tracking, "tracking", tuple(config.allowed_modules))
    tables: Mapping[str, pd.DataFrame] = {
        "rules": rules_report.rules,
        "disagreements": rules_report.disagreements,
        "labels": rules_report.labels,
    }
    with settings.run(config.name or f"label {launched.name}", launched.folder, flatten(config)) as run:
        launched.folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            table.to_csv(launched.folder / f"{name}.csv", index=False)
        (launched.folder / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
        run.log(lambda: dict(rules_report.metrics), launched.folder, "What the labelling rules catch.")
        return f"run     {run.where()}"
