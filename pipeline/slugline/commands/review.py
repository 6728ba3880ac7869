"""`slugline review`: which sentences to label next, and which labels look wrong, as a file of tasks for annotators."""

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from slugline.annotate import FORMATS, write_tasks
from slugline.config import instantiate
from slugline.errors import InputError, listing
from slugline.labels import Labels, Topic
from slugline.review.candidates import read

WHAT = ("queue", "errors")
ENDINGS = {".csv": "csv", ".xlsx": "xlsx", ".json": "label_studio"}


def review(config: DictConfig) -> None:
    """Write the sentences to label next, or those whose labels look wrong, as tasks, and say how they were chosen."""
    kind = check_options(config)
    if config.what == "queue":
        from slugline.review.queue import find_queue as find
    else:
        from slugline.review.label_errors import find_errors as find
    allowed = tuple(config.allowed_modules)
    labels: Labels = instantiate(config.labels, "labels", allowed)
    pile = read(instantiate(config.data, "data", allowed), labels)
    found = find(config, pile, labels)
    topics = {topic: describe_topic(topic, labels.topics, found.definitions) for topic in found.topics}
    write_tasks(Path(config.output), kind, found.sentences, topics, found.probabilities, found.reasons, found.mode)
    print("\n".join([*found.summary, f"written {config.output} ({kind})"]))


def check_options(config: DictConfig) -> str:
    """Return the format to write; raise `InputError` for options that cannot be."""
    if config.what not in WHAT:
        raise InputError(f"what: '{config.what}'; allowed: {listing(WHAT)}")
    if config.size < 1:
        raise InputError(f"size: {config.size}; allowed: a number of sentences, from 1")
    if config.folds < 2:
        raise InputError(f"folds: {config.folds}; allowed: from 2")
    weights = {name: config[name] for name in ("uncertainty", "disagreement", "rarity")}
    if wrong := [name for name, weight in weights.items() if not 0 <= weight < float("inf")]:
        raise InputError(f"{wrong[0]}: {weights[wrong[0]]}; allowed: a weight, from 0")
    if not config.uncertainty + config.disagreement:
        raise InputError("uncertainty and disagreement are both 0; give one of them a weight")
    if not 0 <= config.diversity <= 1:
        raise InputError(f"diversity: {config.diversity}; allowed: 0 to 1")
    output = Path(config.output)
    if output.exists():
        raise InputError(f"output: {output} is there already and may hold labels; give another file")
    kind = config.format or ENDINGS.get(output.suffix.lower())
    if kind not in FORMATS:
        found = f"'{config.format}'" if config.format else f"none, and the ending of {output} does not tell"
        raise InputError(f"format: {found}; allowed: {listing(FORMATS)}")
    return str(kind)


def describe_topic(topic: str, taxonomy: Mapping[str, Topic], known: Mapping[str, str]) -> str:
    """Return the definition of a topic: that of the taxonomy, else the one that the model was trained with."""
    return (taxonomy[topic].definition if topic in taxonomy else "") or str(known.get(topic, ""))
