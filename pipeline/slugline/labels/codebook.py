"""The codebook: the taxonomy as a guide for those who label."""

import re
from collections.abc import Mapping

from slugline.labels.taxonomy import Topic

_CLAUSE_END = re.compile(r" - |;|\.")
_MODES = {
    "multilabel": "A sentence may carry several topics, or none.",
    "multiclass": "A sentence carries exactly one topic.",
}


def codebook(topics: Mapping[str, Topic], guidelines: str, mode: str) -> str:
    """Return the annotation guide in Markdown: the guidelines for all topics, then each topic after its parent."""
    lines = ["# Codebook", "", *guidelines.strip().splitlines(), "", _MODES[mode], ""]
    lines += ["| topic | in short |", "| --- | --- |"]
    lines += [f"| {name} | {_CLAUSE_END.split(topic.definition)[0]} |" for name, topic in topics.items()]
    for name, topic in _in_families(topics).items():
        lines += _section(name, topic)
    return "\n".join(lines) + "\n"


def _section(name: str, topic: Topic) -> list[str]:
    """Return the lines of the guide on one topic."""
    lines = ["", f"## {name}", "", topic.definition]
    if topic.parent:
        lines += ["", f"Part of: {topic.parent}"]
    for title, sentences in (("Carry it", topic.examples), ("Do not", topic.counter_examples)):
        if sentences:
            lines += ["", f"{title}:", "", *(f"- {sentence}" for sentence in sentences)]
    if topic.codes:
        lines += ["", "; ".join(f"{ontology.upper()}: {code}" for ontology, code in topic.codes.items())]
    return lines


def _in_families(topics: Mapping[str, Topic]) -> dict[str, Topic]:
    """Return the topics, each followed by those of which it is the parent."""
    order: dict[str, Topic] = {}

    def visit(parent: str | None) -> None:
        for name, topic in topics.items():
            known_parent = topic.parent if topic.parent in topics else None  # a parent may be a mere heading
            if known_parent == parent and name not in order:
                order[name] = topic
                visit(name)

    visit(None)
    return order | {name: topic for name, topic in topics.items() if name not in order}  # a circle of parents
