"""A change of the codebook: topics that are renamed, merged or dropped, and what becomes of labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from slugline.errors import InputError, listing


@dataclass(frozen=True)
class CodebookChange:
    """What becomes of each topic. All names on the left are those before the change: nothing is changed twice.

    Parameters
    ----------
    renames : mapping of str to str
        The new name of each renamed topic.
    merges : mapping of str to sequence of str
        The parts of each merged topic, which may have the name of one of its parts.
    drops : sequence of str
        Topics that are taken out.

    Examples
    --------
    >>> change = CodebookChange({"aid": "help"}, {"unrest": ["riot", "protest"]}, ["weather"])
    >>> change.apply_to_labels(["riot", "aid", "protest", "weather", "war"])
    ('unrest', 'help', 'war')
    """

    renames: Mapping[str, str] = field(default_factory=dict)
    merges: Mapping[str, Sequence[str]] = field(default_factory=dict)
    drops: Sequence[str] = ()

    def check(self, topics: Iterable[str]) -> None:
        """Raise `InputError` unless each changed topic is one of `topics`, changed once, and no name is then taken."""
        topics = list(topics)
        changed = [*self.renames, *(part for parts in self.merges.values() for part in parts), *self.drops]
        for topic in changed:
            if topic not in topics:
                raise InputError(f"codebook change: no topic '{topic}'; topics: {listing(topics)}")
            if changed.count(topic) > 1:
                raise InputError(f"codebook change: topic '{topic}' is changed twice; change each topic once")

        targets = [*self.renames.values(), *self.merges]
        for target in targets:
            if not target.strip():
                raise InputError("codebook change: a new name is empty; allowed: any name with a letter or sign")
            if targets.count(target) > 1:
                raise InputError(f"codebook change: two changes end in '{target}'; merge all its parts in one")
        for old, new in self.renames.items():
            if new in topics:
                raise InputError(f"rename: there is a topic '{new}'; to unite '{old}' with it, use merge")
        for target, parts in self.merges.items():
            if target in topics and target not in parts:
                raise InputError(f"merge: there is a topic '{target}'; name it among the parts to unite them with it")

    def apply_to_topic(self, topic: str) -> str | None:
        """Return the name that a topic has after the change, None when it is dropped."""
        if topic in self.drops:
            return None
        merged = (target for target, parts in self.merges.items() if topic in parts)
        return next(merged, self.renames.get(topic, topic))

    def apply_to_labels(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return the labels of a sentence after the change, each once, in the order of the first that became it."""
        changed = (self.apply_to_topic(label) for label in labels)
        return tuple(dict.fromkeys(label for label in changed if label is not None))

    def loses_its_only_topics(self, labels: Sequence[str]) -> bool:
        """Return whether a labelled sentence would become one without topic, which people should look at again."""
        return bool(labels) and not self.apply_to_labels(labels)


def read_change(
    topics: Sequence[str],
    *,
    rename: Mapping[str, str] | str | Sequence[str] = (),
    merge: Mapping[str, Sequence[str]] | str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
) -> CodebookChange:
    """Read a change as a user writes it, and check it against the topics there are.

    Parameters
    ----------
    topics : sequence of str
        The topics before the change. They tell which `:` and `+` belong to a name and which do not.
    rename : mapping of str to str, str or sequence of str
        `{old: new}`, or texts `old:new`.
    merge : mapping of str to sequence of str, str or sequence of str
        `{new: [part, part]}`, or texts `part+part:new`.
    drop : str or sequence of str
        Names of topics.

    Returns
    -------
    CodebookChange
        The change, checked.

    Raises
    ------
    InputError
        When a text can be read in no way or in several, or the change does not fit the topics.

    Examples
    --------
    >>> read_change(["C++", "crime: theft"], rename="crime: theft:theft").renames
    {'crime: theft': 'theft'}
    """
    renames: Any = rename
    merges: Any = merge
    if not isinstance(rename, Mapping):
        pairs = (_split_change(text, topics, "rename") for text in _as_list(rename))
        renames = _collect(((parts[0], new) for parts, new in pairs), "rename")
    if not isinstance(merge, Mapping):
        pairs = (_split_change(text, topics, "merge") for text in _as_list(merge))
        merges = _collect(((new, parts) for parts, new in pairs), "merge")
    merged = {target: _as_list(parts) for target, parts in dict(merges).items()}
    change = CodebookChange(dict(renames), merged, tuple(_as_list(drop)))
    change.check(topics)
    return change


def _as_list(value: str | Sequence[str]) -> list[str]:
    """Return one text or several as a list."""
    return [value] if isinstance(value, str) else list(value)


def _collect(pairs: Iterable[tuple[str, Any]], key: str) -> dict[str, Any]:
    """Return pairs as a dict; refuse a name that comes twice, of which one would be lost."""
    collected: dict[str, Any] = {}
    for name, value in pairs:
        if name in collected:
            raise InputError(f"{key}: '{name}' comes twice; name it once")
        collected[name] = value
    return collected


def _split_change(text: str, topics: Sequence[str], key: str) -> tuple[list[str], str]:
    """Split `old:new` or `a+b:new` where the names before the colon are topics."""
    colons = [place for place, sign in enumerate(text) if sign == ":"]
    lefts = [(text[:place].strip(), text[place + 1 :].strip()) for place in colons]
    ways = [(parts, new) for left, new in lefts for parts in _split_parts(left, topics, key) if new]
    if len(ways) == 1:
        return ways[0]
    form, mapping = ("old:new", "{old: new}") if key == "rename" else ("a+b:new", "{new: [a, b]}")
    problem = "can be read in several ways" if ways else f"is not {form} with topics before the colon"
    raise InputError(f"{key}: '{text}' {problem}; allowed: {form} or {key}='{mapping}'; topics: {listing(topics)}")


def _split_parts(left: str, topics: Sequence[str], key: str) -> list[list[str]]:
    """Return the ways to read the left side as topics: one for `rename`, two or more between `+` for `merge`."""
    if key == "rename":
        return [[left]] if left in topics else []
    pieces = left.split("+")
    if len(pieces) > 12:
        return []  # the ways double with each sign; the mapping form has no such limit
    ways = []
    for joins in product((False, True), repeat=len(pieces) - 1):
        parts = [pieces[0]]
        for piece, join in zip(pieces[1:], joins, strict=True):
            parts[-1:] = [f"{parts[-1]}+{piece}"] if join else [parts[-1], piece]
        names = [part.strip() for part in parts]
        if len(names) > 1 and all(name in topics for name in names):
            ways.append(names)
    return ways
