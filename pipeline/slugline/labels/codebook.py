"""The codebook: the taxonomy as a guide for those who label."""

from collections.abc import Mapping

from slugline.labels.taxonomy import Topic

MODES = {
    "multilabel": "A sentence may carry several topics, or none.",
    "multiclass": "A sentence carries exactly one topic.",
}


def codebook(topics: Mapping[str, Topic], guidelines: str, mode: str) -> str:
    """Return the annotation guide in Markdown: the guidelines, then each topic, topics of a parent below it."""
    lines = ["# Codebook", "", *guidelines.strip().splitlines(), "", MODES[mode], ""]
    lines += ["| topic | in short |", "| --- | --- |"]
    lines += [f"| {name} | {first_clause(topic.definition)} |" for name, topic in topics.items()]
    for name, topic in in_families(topics).items():
        lines += ["", f"## {name}", "", topic.definition]
        lines += ["", f"Part of: {topic.parent}"] if topic.parent else []
        for title, sentences in (("Carry it", topic.examples), ("Do not", topic.counter_examples)):
            lines += ["", f"{title}:", "", *(f"- {sentence}" for sentence in sentences)] if sentences else []
        codes = [f"{ontology.upper()}: {code}" for ontology, code in topic.codes.items()]
        lines += ["", "; ".join(codes)] if codes else []
    return "\n".join(lines) + "\n"


def in_families(topics: Mapping[str, Topic]) -> dict[str, Topic]:
    """Return the topics, each followed by those of which it is the parent."""
    order: dict[str, Topic] = {}

    def visit(parent: str | None) -> None:
        for name, topic in topics.items():
            known = topic.parent if topic.parent in topics else None  # a parent may be a mere heading
            if known == parent and name not in order:
                order[name] = topic
                visit(name)

    visit(None)
    return order | {name: topic for name, topic in topics.items() if name not in order}  # a circle of parents


def first_clause(definition: str) -> str:
    """Return a definition up to its first full stop, dash or semicolon."""
    for end in (" - ", ";", "."):
        definition = definition.partition(end)[0]
    return definition
