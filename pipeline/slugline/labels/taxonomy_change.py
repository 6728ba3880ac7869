"""Files of config that name topics after a change of the codebook: only what changes is written anew: comments stay."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slugline.errors import InputError
from slugline.files import read_yaml
from slugline.labels.codebook_change import CodebookChange
from slugline.labels.yaml_edits import Edits, edit_node, find_comments, remove, to_yaml

_LISTS = ("examples", "counter_examples", "keywords", "patterns")


def change_taxonomy(file: Path, change: CodebookChange) -> bytes | None:
    """Return what a file holds after a change, None when it names none of the topics; it is left alone.

    That is a taxonomy, or other config that restricts one by `labels.only`.

    The text is edited where something changes, and the result is read again: where it is not exactly what it should
    be, the file is written anew, unless this would lose a comment.

    Raises
    ------
    InputError
        When no topic would be left, a rule has the name of a new topic, or comments would be lost.
    """
    content = _name_by_text(read_yaml(file) or {})
    topics = content.get("topics") or {}
    expected = _change_content(content, topics, change, file)
    if expected == content:
        return None
    text = file.read_bytes().decode()
    edited, may_go = _edit_text(text, content, expected, _find_kept(topics, change), change)
    if _is_as_expected(edited, expected) and not find_comments(text) - find_comments(edited) - may_go:
        return edited.encode()
    if find_comments(text):
        problem = "its form cannot be edited without losing comments"
        raise InputError(f"{file}: {problem}; nothing was changed; take the comments out, or write each topic in lines")
    return yaml.safe_dump(expected, sort_keys=False, allow_unicode=True, width=10_000).encode()


def find_taxonomies(option: str, folders: Sequence[Path]) -> list[Path]:
    """Return the files that an option of the group `labels` is made of: its own, and those in its `defaults`.

    `folders` are looked in from first to last, as Hydra does.
    """
    found: list[Path] = []
    names = [option]
    for name in names:
        files = [folder / "labels" / f"{name}.yaml" for folder in folders]
        if file := next((file for file in files if file.is_file()), None):
            found.append(file)
            content = read_yaml(file)
            defaults = content.get("defaults") if isinstance(content, dict) else None
            names += [base for base in defaults or [] if isinstance(base, str) and base not in (*names, "_self_")]
    return found


def find_restricting(folders: Sequence[Path], taxonomies: Sequence[Path]) -> list[Path]:
    """Return the files in folders of config, such as experiments, that restrict one of the taxonomies by `labels.only`.

    One that overrides the group `labels` by another taxonomy is left out.
    """
    found = []
    for file in sorted(file for folder in folders for file in folder.rglob("*.yaml") if file not in taxonomies):
        content = read_yaml(file)
        labels = content.get("labels") if isinstance(content, dict) else None
        if not isinstance(labels, dict) or "only" not in labels:
            continue
        defaults = [entry for entry in content.get("defaults") or [] if isinstance(entry, dict)]
        chosen = [name for entry in defaults for group, name in entry.items() if group.endswith("/labels")]
        if not chosen or set(chosen) & {taxonomy.stem for taxonomy in taxonomies}:
            found.append(file)
    return found


def topics_in(file: Path) -> list[str]:
    """Return the names of the topics that a taxonomy file gives."""
    return list(_name_by_text(read_yaml(file)).get("topics") or {})


# ---- what the file is to hold


def _name_by_text(content: Any) -> dict[str, Any]:
    """Return the content of a taxonomy file with the names of topics, which may look like numbers, as text."""
    if not isinstance(content, dict) or not isinstance(content.get("topics"), dict):
        return content if isinstance(content, dict) else {}
    return content | {"topics": {str(name): body for name, body in content["topics"].items()}}


def _find_kept(topics: Mapping[str, Any], change: CodebookChange) -> dict[str, str]:
    """Return the new name of each topic that keeps its place; a merged one has that of a part, the first if new."""
    targets = {name: target for name in topics if (target := change.apply_to_topic(name)) is not None}
    place_of: dict[str, str] = {}
    for name, target in targets.items():
        if name == target or target not in place_of:
            place_of[target] = name
    return {name: target for name, target in targets.items() if place_of[target] == name}


def _change_content(content: Any, topics: Mapping[str, Any], change: CodebookChange, file: Path) -> dict[str, Any]:
    """Return the content of a taxonomy file after a change."""
    kept = _find_kept(topics, change)
    if topics and not kept:
        raise InputError(f"{file}: no topic would be left; keep at least one")
    new_topics = {}
    for name, target in kept.items():
        parts = [part for part in topics if part != name and change.apply_to_topic(part) == target]
        body = _unite([topics[part] for part in [name, *parts]]) if parts else topics[name]
        new_topics[target] = _change_parent(body, target, change)

    functions = content.get("functions") or {}
    rules = {name: _change_rule(rule, change) for name, rule in functions.items()}
    rules = {name: rule for name, rule in rules.items() if rule is not None}
    if clash := [name for name in rules if name in new_topics and name not in topics]:
        raise InputError(
            f"{file}: functions.{clash[0]} has the name of the new topic; rename the rule or choose another"
        )
    changed = _change_only({key: value for key, value in content.items() if key not in ("topics", "functions")}, change)
    if isinstance(content.get("labels"), dict):
        changed["labels"] = _change_only(content["labels"], change)
    if topics:
        changed["topics"] = new_topics
    if rules or ("functions" in content and not functions):
        changed["functions"] = rules or content["functions"]
    return changed


def _change_only(labels: Mapping[str, Any], change: CodebookChange) -> dict[str, Any]:
    """Return options of labels with the new names of the topics in `only`; without it, where all are dropped."""
    if not isinstance(labels.get("only"), list):
        return dict(labels)
    only = list(change.apply_to_labels(map(str, labels["only"])))
    if only == list(map(str, labels["only"])):
        return dict(labels)
    return {key: only if key == "only" else value for key, value in labels.items() if key != "only" or only}


def _change_rule(rule: Any, change: CodebookChange) -> Any:
    """Return a labelling function with the new name of its topic, None when that is dropped."""
    if not isinstance(rule, dict) or "topic" not in rule:
        return rule
    target = change.apply_to_topic(str(rule["topic"]))
    if target is None or target == str(rule["topic"]):
        return None if target is None else rule
    return rule | {"topic": target}


def _change_parent(body: Any, name: str, change: CodebookChange) -> Any:
    """Return a topic with the new name of its parent; without one, where that is dropped or became the topic itself."""
    if not isinstance(body, dict) or body.get("parent") is None:
        return body
    parent = change.apply_to_topic(str(body["parent"]))
    if parent == str(body["parent"]):
        return body
    rest = {key: value for key, value in body.items() if key != "parent"}
    return rest if parent in (None, name) else body | {"parent": parent}


def _unite(bodies: list[Any]) -> Any:
    """Return topics as one: all their keywords, patterns and examples, and their definitions side by side."""
    dicts: list[dict[str, Any]] = [body if isinstance(body, dict) else {"keywords": body or []} for body in bodies]
    united = dict(dicts[0])
    for key in _LISTS:
        values = [part.get(key) or [] for part in dicts]
        items = [item for value in values for item in ([value] if isinstance(value, str) else value)]
        unique = [item for place, item in enumerate(items) if item not in items[:place]]
        if unique != (united.get(key) or []):
            united[key] = unique
    for part in dicts[1:]:
        united |= {key: value for key, value in part.items() if united.get(key) is None}
    if definition := _join([part.get("definition") for part in dicts], " / "):
        united["definition"] = definition
    if codes := [part["codes"] for part in dicts if part.get("codes")]:
        united["codes"] = {name: _join([code.get(name) for code in codes], ", ") for code in codes for name in code}
    return united if any(isinstance(body, dict) for body in bodies) else united["keywords"]


def _join(texts: list[Any], between: str) -> Any:
    """Return different texts as one; a single one as it is."""
    found = [text for place, text in enumerate(texts) if text not in (None, "") and text not in texts[:place]]
    return found[0] if len(found) == 1 else between.join(str(text).strip() for text in found)


# ---- the text


def _edit_text(
    text: str, content: dict[str, Any], expected: dict[str, Any], kept: Mapping[str, str], change: CodebookChange
) -> tuple[str, Counter[str]]:
    """Return a text whose content is to become another, edited, and the comments that go with dropped topics."""
    edits = Edits(text)
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, node in root.value:
        name = key.value
        if name not in expected:
            remove(edits, key, node, keep_comments=False)
        elif content.get(name) != expected[name] and name == "topics" and not node.flow_style:
            _edit_topics(edits, node, (content[name], expected[name]), kept, change)
        else:
            edit_node(edits, node, content.get(name), expected[name])
    return edits.apply(), edits.may_go


def _edit_topics(
    edits: Edits, node: Any, values: tuple[Any, Any], kept: Mapping[str, str], change: CodebookChange
) -> None:
    """Rename, change and take out topics."""
    before, after = values
    for key, body in node.value:
        if key.value not in kept:
            remove(edits, key, body, keep_comments=key.value not in change.drops)
            continue
        target = kept[key.value]
        if target != key.value:
            edits.found.append((key.start_mark.index, key.end_mark.index, to_yaml(target)))
        edit_node(edits, body, before[key.value], after[target])


def _is_as_expected(text: str, expected: dict[str, Any]) -> bool:
    """Return whether a text holds what it should, its topics in their order."""
    try:
        content = _name_by_text(yaml.safe_load(text))
    except yaml.YAMLError:
        return False
    same: bool = content == expected and list(content.get("topics") or {}) == list(expected.get("topics") or {})
    return same
