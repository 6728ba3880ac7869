"""Edits of YAML as text: what does not change stays as it was written, comments too."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass
class Edits:
    """Edits of a text: where each begins and ends, and what comes there; `may_go`: comments that go with a topic."""

    text: str
    found: list[tuple[int, int, str]] = field(default_factory=list)
    may_go: Counter[str] = field(default_factory=Counter)

    @property
    def newline(self) -> str:
        """How lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def apply(self) -> str:
        """Return the text after all edits."""
        text = self.text
        for start, end, new in sorted(self.found, key=lambda edit: edit[:2])[::-1]:
            text = text[:start] + new + text[end:]
        return text

    def line_end(self, place: int) -> int:
        """Return where the line ends that a place is in; a place at the beginning of a line stays."""
        if place and self.text[place - 1] == "\n":
            return place
        end = self.text.find("\n", place)
        return len(self.text) if end < 0 else end + 1


def edit_node(edits: Edits, node: Any, before: Any, after: Any) -> None:
    """Make a node hold another value, by as few edits as its form allows."""
    if before == after:
        return
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style and bool(node.value)
    if is_block and isinstance(node, yaml.MappingNode) and isinstance(after, dict):
        _edit_block_mapping(edits, node, before, after)
    elif isinstance(after, list) and _is_longer(node, before, after):
        _extend(edits, node, after[len(before) :], is_block)
    else:
        start, end = node.start_mark.index, _end_of(node)
        lead = " " if edits.text[start - 1 : start] == ":" else ""
        tail = edits.newline if edits.text[start:end].endswith("\n") else ""
        edits.found.append((start, end, lead + to_yaml(after) + tail))


def _is_longer(node: Any, before: Any, after: list[Any]) -> bool:
    """Return whether a list that has items gets some more behind them."""
    return isinstance(node, yaml.SequenceNode) and bool(node.value) and after[: len(before)] == before


def _edit_block_mapping(edits: Edits, node: Any, before: Any, after: dict[str, Any]) -> None:
    """Change, take out and add keys."""
    names = [key.value for key, _ in node.value]
    for key, value in node.value:
        if key.value not in after:
            remove(edits, key, value, keep_comments=False)
        else:
            edit_node(edits, value, before.get(key.value), after[key.value])
    new = [f"{to_yaml(key)}: {to_yaml(value)}" for key, value in after.items() if str(key) not in names]
    _insert_lines(edits, node, new)


def _extend(edits: Edits, node: Any, items: list[Any], is_block: bool) -> None:
    """Add items to a list that has some."""
    if is_block:
        _insert_lines(edits, node, [f"- {to_yaml(item)}" for item in items])
    else:
        end = _end_of(node.value[-1])
        edits.found.append((end, end, "".join(f", {to_yaml(item)}" for item in items)))


def _insert_lines(edits: Edits, node: Any, lines: list[str]) -> None:
    """Add lines behind the last of a block."""
    end = edits.line_end(_end_of(node))
    first = "" if not end or edits.text[end - 1] == "\n" else edits.newline
    indent = " " * node.start_mark.column
    if lines:
        edits.found.append((end, end, first + "".join(f"{indent}{line}{edits.newline}" for line in lines)))


def remove(edits: Edits, key: Any, value: Any, *, keep_comments: bool) -> None:
    """Take the lines of a key out; comments in them stay, as lines, or go with it."""
    start = edits.text.rfind("\n", 0, key.start_mark.index) + 1
    end = edits.line_end(max(_end_of(value), key.end_mark.index))
    comments = find_comments(edits.text, start, end)
    if not keep_comments:
        edits.may_go += comments
    indent = edits.text[start : key.start_mark.index]
    kept = "".join(f"{indent}{comment}{edits.newline}" for comment in comments.elements()) if keep_comments else ""
    edits.found.append((start, end, kept))


def _end_of(node: Any) -> int:
    """Return where a node ends; that of a block is the end of its last part, as comments behind it are not its own."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end_of(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def to_yaml(value: Any) -> str:
    """Return a value in one line that is good everywhere in YAML, plain where it can be."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | int | float) else _to_flow(value)
    try:
        plain = yaml.safe_load(f"{{{value}: [{value}]}}") == {value: [value]}
    except yaml.YAMLError:
        plain = False
    return value if plain and not re.search(r"\s#|[\r\n]", value) else json.dumps(value, ensure_ascii=False)


def _to_flow(value: Any) -> str:
    """Return a list, a mapping or null in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_yaml(key)}: {to_yaml(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(map(to_yaml, value)) + "]" if isinstance(value, list) else "null"


def find_comments(text: str, start: int = 0, end: int | None = None) -> Counter[str]:
    """Return the comments in a part of a text: what stands between its tokens and begins with #."""
    comments: Counter[str] = Counter()
    place = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        for found in re.finditer(r"#[^\r\n]*", text[place : token.start_mark.index]):
            if start <= place + found.start() < (len(text) if end is None else end):
                comments[found[0].rstrip()] += 1
        place = max(place, token.end_mark.index)
    return comments
