"""`slugline label`: what the rules catch, the annotation guide, and the way to annotation tools and back."""

import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from slugline import annotate, report
from slugline.annotate import GoldFile
from slugline.cache import Stages
from slugline.components import settings_to_config, to_params, to_yaml
from slugline.config.labelling import LabelSettings
from slugline.data.input_files import find_local_files
from slugline.data.read_files import describe_files
from slugline.data.ready_sentences import SentenceCorpus
from slugline.dataset import read_labelled
from slugline.errors import InputError, listing
from slugline.files import shipped_folder, write_files
from slugline.labels import gold_files
from slugline.labels.codebook import codebook
from slugline.labels.codebook_change import read_change
from slugline.labels.taxonomy_change import find_restricting, find_taxonomies
from slugline.launch import Launch
from slugline.report.labelling import describe_agreement, describe_read, describe_rules, describe_unresolved
from slugline.report.next_steps import describe_next, name_file, new_file, repeat_split
from slugline.review.rules import RulesReport, report_rules
from slugline.tracking import Mlflow, SideRun, headline_metrics, last_training, log_side_run

_JOBS = ("codebook", "tasks", "annotations")
_CHANGES = ("rename", "merge", "drop")


def label(settings: LabelSettings, launch: Launch) -> None:
    """Write the annotation guide or tasks, collect annotations, or apply the rules."""
    if settings.merge in ("majority", "adjudicated"):
        _refuse_former_merge(settings.merge, launch)
    jobs = [name for name in _JOBS if getattr(settings, name) is not None]
    changes = [name for name in _CHANGES if getattr(settings, name) is not None]
    if len(jobs) + bool(changes) > 1:
        allowed = f"one of {listing(_JOBS)}, or {listing(_CHANGES)} together, or none to apply the rules"
        raise InputError(f"found {listing([*jobs, *changes])}; allowed: {allowed}")

    if changes:
        _change_codebook(settings, launch)
        return
    if jobs == ["codebook"]:
        _write_codebook(settings)
    elif jobs == ["tasks"]:
        _write_tasks(settings, launch)
    elif jobs == ["annotations"]:
        _collect_annotations(settings, launch)
    else:
        _apply_rules(settings, launch)


def _refuse_former_merge(method: str, launch: Launch) -> None:
    """Answer `merge=majority`, as `resolve` was called, with the line that works."""
    overrides = [f"resolve={method}" if text.startswith("merge=") else text for text in launch.overrides or ()]
    line = shlex.join(["slugline", "label", *launch.options, *overrides])
    raise InputError(f"merge={method}: how annotators become one label is now said by `resolve`: {line}")


def _read(settings: LabelSettings) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the sentences, debris left out, with the labels that they have, and the topics; print what was read."""
    corpus, labelled = read_labelled(settings.data, settings.labels, Stages(settings.cache))

    sentences = labelled.sentences[~labelled.sentences["debris"]].reset_index(drop=True)
    debris = len(labelled.sentences) - len(sentences)
    print(
        f"data    {len(sentences)} sentences, {len(corpus.articles)} articles; left out: {debris} debris, "
        f"{len(corpus.rejected)} rejected"
    )
    for line in report.describe_notes(corpus.all_notes()):
        print(line)
    return sentences, labelled.topics


def _write_codebook(settings: LabelSettings) -> None:
    """Write the annotation guide."""
    labels = settings.labels
    text, file = codebook(labels.topics, labels.guidelines, labels.asked_mode), Path(str(settings.codebook))
    replaced = file.is_file()
    if replaced and not file.read_bytes().startswith(text.encode()[: text.index("\n")]):
        raise InputError(f"codebook: {file} is there already and is no codebook; give another file")
    write_files({file: text.encode()})
    print(f"codebook of {len(labels.topics)} topics: {file}{', in place of the one of before' if replaced else ''}")


def _write_tasks(settings: LabelSettings, launch: Launch) -> None:
    """Write sentences that no person has labelled as tasks for an annotation tool."""
    labels, output = settings.labels, Path(str(settings.tasks))
    task_format = annotate.check_output(output, settings.format, "tasks")
    sentences, topics = _read(settings)
    unlabelled = annotate.select_unlabelled(sentences)
    labelled = len(sentences) - len(unlabelled)
    if unlabelled.empty:
        raise InputError("no sentence without a label by people: there is nothing to be labelled")
    chosen = annotate.draw_tasks(unlabelled, settings.size, settings.order, settings.seed)

    definitions = {topic: labels.topics[topic].definition if topic in labels.topics else "" for topic in topics}
    beside = annotate.write_tasks(output, task_format, chosen, definitions, mode=labels.asked_mode)
    by_group = "" if settings.order == "random" else f", alike from each {settings.order}"
    drawn = "the first" if settings.order == "first" else f"drawn at random{by_group} (seed {settings.seed})"
    left_out = f"; left out: {labelled} that people labelled" if labelled else ""
    print(
        f"tasks   {len(chosen)} of {len(unlabelled)} sentences without a label by people, {drawn}{left_out}: {output}"
    )
    for file in beside:
        print(f"beside  {file}")
    print(f"how to  {annotate.FORMATS[task_format].HOW_TO}")
    collected = [name_file("annotations", str(output)), name_file("output", settings.output)]
    gold, kept = _name_gold(settings), Path(settings.output)
    files = [file.resolve() for file, _ in gold_files(labels.gold, labels.reading) if isinstance(file, Path)]
    if kept.is_file() and kept.resolve() not in files:
        print(f"note    {kept} has labels by people already; {gold[0]} leaves their sentences out of tasks")
    print(describe_next(launch, "label", *collected, *gold))


def _collect_annotations(settings: LabelSettings, launch: Launch) -> None:
    """Add annotations to the history, and write what all of it amounts to as gold labels."""
    files, output = _check_files(settings), Path(settings.output)
    kept = annotate.read_written_gold(output)
    sentences, topics = _read(settings)
    collected = annotate.collect_gold(
        files,
        sentences,
        topics,
        history=Path(settings.history),
        format=settings.format,
        method=settings.resolve,
        adjudicator=settings.adjudicator,
        mode=settings.labels.asked_mode,
        options=settings.reading,
    )
    for line in report.describe_notes(describe_files(collected.files)):
        print(line)
    print(describe_read(collected))
    if not collected.history:
        reason = "nobody answered any of the tasks" if collected.unanswered and not collected.read else "see above"
        raise InputError(f"no annotation of these sentences could be read: {reason}; {output} is not written")

    answered = {annotation.sentence_id for annotation in collected.history}
    others = [row for row in kept if row["sentence_id"] not in answered]
    annotate.write_gold(output, collected.gold, others)
    print(f"history {collected.new} new of {len(collected.history)}: {settings.history}")
    print(describe_agreement(collected, topics, settings.adjudicator))
    if unresolved := describe_unresolved(collected.unresolved):
        print(unresolved)
    also = f", and {len(others)} that the file held already, of which the history says nothing" if others else ""
    print(f"gold    {len(collected.gold)} sentences{also}: {output}")
    print(describe_next(launch, "train", *_name_gold(settings)))
    print(describe_next(launch, "label", f"tasks={new_file('tasks.csv')}", "size=150", *_name_gold(settings)))


def _name_gold(settings: LabelSettings) -> list[str]:
    """Return an override with the gold labels there are: those given, and those that annotations were collected in."""
    given = settings.labels.gold
    files = [given] if isinstance(given, str) else list(map(str, given or []))
    if Path(settings.output).is_file():
        files.append(settings.output)
    return [name_file("labels.gold", list(dict.fromkeys(files)))] if files else []


def _check_files(settings: LabelSettings) -> list[Path]:
    """Return the files of annotations; raise `InputError` where what is written would take the place of one.

    Options that do not fit are refused too, before anything is read.
    """
    settings.reading.check_text("encoding", "separator")
    annotate.check_merge(settings.resolve, settings.adjudicator, settings.labels.asked_mode)
    if settings.format is not None and settings.format not in annotate.FORMATS:
        raise InputError(f"format: '{settings.format}'; allowed: {listing(annotate.FORMATS)}")
    if not isinstance(settings.annotations, str | list):
        raise InputError(f"annotations: found {settings.annotations!r}; allowed: a file, a folder, or a list [A,B]")
    files = annotate.find_annotation_files(settings.annotations)
    written = {"output": Path(settings.output), "history": Path(settings.history)}
    places = {file.resolve(): f"annotations={file}" for file in files}
    for key, file in written.items():
        if other := places.get(file.resolve()):
            raise InputError(f"{key}: {file} is the file of {other}; give another file")
        places[file.resolve()] = f"{key}={file}"
    return files


def _change_codebook(settings: LabelSettings, launch: Launch) -> None:
    """Rename, merge or drop topics in gold labels, history and taxonomy together, and say what became of them."""
    labels, history = settings.labels, Path(settings.history)
    gold = _find_gold(settings)
    topics = annotate.find_topics(labels.topics, gold, history)
    asked = {name: _to_texts(getattr(settings, name) or ()) for name in _CHANGES}
    change = read_change(topics, **asked)

    here = Path.cwd()
    folders = [folder.relative_to(here) if folder.is_relative_to(here) else folder for folder in launch.config_folders]
    files = find_taxonomies(launch.choices.get("labels", ""), [shipped_folder("conf"), *folders])
    own = annotate.find_own_taxonomies(change, labels.topics, files, next(iter(folders), Path("conf")))
    own += find_restricting(folders, files)
    update = annotate.update_codebook(change, gold, history, own, mode=labels.mode)
    print(report.describe_update(update, change, topics))
    if isinstance(settings.data, SentenceCorpus) and labels.given:
        print(f"given   labels that come with {settings.data.path} are not changed; change them in there")
    names = [str(source.file) for source in gold]
    print(describe_next(launch, "train", *([name_file("labels.gold", names)] if names else []), *_keep_parts(settings)))


def _keep_parts(settings: LabelSettings) -> list[str]:
    """Return overrides with which a training leaves articles in the parts of the last one on the same data."""
    tracking = settings.tracking
    if not isinstance(tracking, Mlflow):
        return []
    path = to_params(settings_to_config(settings)).get("data.path")
    last = last_training(tracking.experiment, str(path), tracking.uri)
    return repeat_split(*last) if last else []


def _find_gold(settings: LabelSettings) -> list[GoldFile]:
    """Return the files of gold labels, and the file that annotations are collected in, if it is there."""
    labels, output = settings.labels, Path(settings.output)
    files = [] if labels.gold is None else find_local_files(labels.gold, labels.reading, key="labels.gold")
    for file in files:
        if str(file) == "-" or file.is_relative_to(shipped_folder("data/sample")):
            raise InputError(f"labels.gold: {file} cannot be rewritten; give a file of your own")
    found = [GoldFile(file, labels.columns, labels.delimiter, labels.reading) for file in files]
    if output.is_file() and output.resolve() not in [file.resolve() for file in files]:
        found.append(GoldFile(output, {}, ","))
    return found


def _to_texts(value: Any) -> Any:
    """Return what was given on the command line with numbers, such as a topic 2019, as text.

    A mapping may be given as text, too: Hydra takes no quotes in the keys of one, as `law & order` needs them.
    """
    if isinstance(value, str) and re.fullmatch(r"\{.*\}", value, re.DOTALL):
        value = yaml.safe_load(value)
    if isinstance(value, dict):
        return {str(key): _to_texts(item) for key, item in value.items()}
    return [str(item) for item in value] if isinstance(value, list | tuple) else str(value)


def _apply_rules(settings: LabelSettings, launch: Launch) -> None:
    """Apply the rules, print what each does and how good they are together on gold labels, and log it."""
    settings.tracking.check()
    labels = settings.labels
    sentences, topics = _read(settings)
    rules_report = report_rules(sentences, topics, labels)

    count, seconds = len(rules_report.rules), rules_report.seconds
    print(f"rules   {count} of {len(topics)} topics on {len(sentences)} sentences in {seconds:.1f} s")
    print(describe_rules(rules_report.rules))
    if rules_report.judged:
        print(f"together ({labels.label_model}, which saw no gold labels), on {rules_report.judged} with gold labels:")
        print(report.describe_scores(rules_report.metrics, topics, "gold"))
    for note in rules_report.notes:
        print(f"note    {note}")
    print(f"disagree on {rules_report.disagreements['sentence_id'].nunique()} sentences")
    print(f"run     {_log(settings, launch, rules_report)}")
    print(describe_next(launch, "train", *_name_gold(settings)))
    print(describe_next(launch, "label", f"tasks={new_file('tasks.csv')}", "size=150", *_name_gold(settings)))


def _log(settings: LabelSettings, launch: Launch, rules_report: RulesReport) -> str:
    """Log the tables and metrics as a run, and return where it is."""
    config, metrics = settings_to_config(settings), rules_report.metrics
    shown = headline_metrics(metrics)
    content = SideRun(
        name=settings.name or f"label {launch.name}",
        description="What the labelling rules catch.",
        tables={
            "rules": rules_report.rules,
            "disagreements": rules_report.disagreements,
            "labels": rules_report.labels,
        },
        metrics=shown,
        further_metrics={key: value for key, value in metrics.items() if key not in shown},
        texts={"config.yaml": to_yaml(config)},
    )
    return log_side_run(settings.tracking, launch.folder, to_params(config), content)
