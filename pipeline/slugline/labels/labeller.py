"""The labeller: labels sentences by gold labels from a file, by labels that came with them, and by rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.components import is_within
from slugline.data.opening import FileOptions
from slugline.errors import InputError, listing
from slugline.labels.gold import GoldRows, gold_columns, known_labels, parse_gold
from slugline.labels.label_model import LABEL_MODELS, combine_votes
from slugline.labels.matching import CONFLICTS, MatchedGold, match_gold
from slugline.labels.rules import vote
from slugline.labels.taxonomy import Rule, Topic, collect_rules

_MODES = ("multilabel", "multiclass")
_OTHER_TOPICS = ("error", "ignore")


def _describe_missing_rules(topics: Mapping[str, Topic]) -> str:
    """Return that there is no rule, and how to give some."""
    if topics:
        where = "in their YAML file, in a project conf/labels/topics.yaml"
        return (
            f"no topic has keywords or patterns, and there are no functions; give keywords to {listing(topics)} {where}"
        )
    return (
        "there are no topics; slugline new FOLDER makes a file for them, "
        "labels=plover takes PLOVER's fifteen, '+labels.topics.flood=[flood*]' gives one"
    )


class Labelled(NamedTuple):
    """What a labeller gives: the sentences, all topics in order, and the places of gold labels that match no sentence.

    `sentences` have `labels` (tuple of topics, or None) and `label_source` (`gold`, `given`, `rules`, or "" where
    unlabelled); from rules with `soft` also `weights`, how sure the label of each topic is, from 0 to 1. `mode` is the
    mode that the labels suggest, for a labeller that has none. `counts` are those of `MatchedGold`, and `other_topics`,
    the labels that were ignored. `timeouts` are, by rule, the sentences on which its patterns took too long.
    """

    sentences: pd.DataFrame
    topics: tuple[str, ...]
    unmatched: list[str]
    mode: str = "multilabel"
    counts: Mapping[str, int] = MappingProxyType({})
    timeouts: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Labels(FileOptions):
    """A labeller: gold labels of a file win over labels that came with the sentences, and these over rules.

    Parameters
    ----------
    mode : {"multilabel", "multiclass"}, optional
        Whether a sentence may carry several topics, or none, or carries exactly one. None: multiclass where people gave
        every labelled sentence exactly one of several topics.
    gold : str, Path or list of these, optional
        Files of gold labels, keyed by `sentence_id`, or by `article_id` and exact `text`; None: there are none.
    given : bool
        Whether labels that came with the sentences count.
    rules : bool
        Whether to apply the rules (keywords, patterns and `functions`) to sentences that nobody labelled.
    columns : dict of str to str
        `sentence_id, article_id, text, labels` and their names in the gold files.
    delimiter : str
        What stands between two gold labels of one string: a sign, or comma, semicolon, pipe, tab.
    conflict : {"error", "first", "union", "drop"}
        What becomes of a sentence to which gold gives different labels: an error that names all such, the first labels,
        all of them, or none.
    topics : dict of str to Topic
        The taxonomy: topics by name. Empty: the topics are those that the labels name. A list of names is `only`.
    only : list of str, optional
        The topics to use, of those in `topics`; labels of others are ignored and counted. On the command line also
        `labels.topics=[A,B]`.
    other_topics : {"error", "ignore"}
        What becomes of labels of topics that the taxonomy lacks.
    min_articles : int
        Topics that fewer articles carry are not trained.
    functions : dict of str to Rule
        Labelling functions: further rules by name.
    label_model : {"majority", "dawid_skene"}
        How the votes of rules become probabilities; gold and given labels are known truth for it.
    soft : bool
        Whether labels by rules count the more in training, the surer they are; false: all alike.
    guidelines : str
        What the codebook says for all topics.
    allowed_modules : list of str
        Modules whose functions a rule may name in `function`.

    Examples
    --------
    >>> labels = Labels(rules=True, topics={"ceasefire": Topic(keywords=["truce*"]), "aid": Topic(keywords=["relief"])})
    >>> texts = ["The truce held.", "Rain fell."]
    >>> sentences = pd.DataFrame({"sentence_id": ["s1", "s2"], "article_id": "a", "text": texts})
    >>> labels(sentences).sentences["labels"].tolist()
    [('ceasefire',), ()]
    """

    mode: str | None = None
    gold: Any = None
    given: bool = True
    rules: bool = False
    columns: dict[str, str] = field(default_factory=gold_columns)
    delimiter: str = ","
    conflict: str = "error"
    topics: dict[str, Topic] = field(default_factory=dict)
    only: list[str] | None = None
    other_topics: str = "error"
    min_articles: int = 2
    functions: dict[str, Rule] = field(default_factory=dict)
    label_model: str = "majority"
    soft: bool = True
    guidelines: str = ""
    allowed_modules: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.mode is not None and self.mode not in _MODES:
            raise InputError(f"labels.mode: '{self.mode}'; allowed: {listing(_MODES)}")
        if self.label_model not in LABEL_MODELS:
            raise InputError(f"labels.label_model: '{self.label_model}'; allowed: {listing(LABEL_MODELS)}")
        if self.conflict not in CONFLICTS:
            raise InputError(f"labels.conflict: '{self.conflict}'; allowed: {listing(CONFLICTS)}")
        if isinstance(self.topics, list):
            self._set(only=[str(name) for name in self.topics], topics={})
        if self.only is not None:
            self._restrict(self.only)
        if self.other_topics not in _OTHER_TOPICS:
            raise InputError(f"labels.other_topics: '{self.other_topics}'; allowed: {listing(_OTHER_TOPICS)}")
        if self.min_articles < 1:
            raise InputError(f"labels.min_articles: {self.min_articles}; allowed: from 1")

    def __call__(self, sentences: pd.DataFrame, gold_rows: GoldRows = ()) -> Labelled:
        """Label sentences with `sentence_id`, `article_id`, `text`, and maybe `labels` that came with them.

        `gold_rows` are the rows of the gold files, from `read_gold`. Returns the same sentences in the same
        order, with their labels; a subclass may change these. Raises `InputError` for a gold row that cannot be
        read, a label outside the taxonomy, or rules that cannot be applied.
        """
        labelled, gold = self._label_by_people(sentences, gold_rows)
        labelled, ignored = self._ignore_other_topics(labelled)
        topics = tuple(self.topics) or tuple(sorted(set(chain.from_iterable(labelled["labels"].dropna()))))
        self._check_labels(labelled, topics)
        timeouts = Counter[str]()
        if self.rules:
            labelled = self.label_by_rules(labelled, timeouts)

        mode = suggest_mode(has_one_topic_each(labelled), topics)
        counts = gold.counts | {"other_topics": ignored}
        return Labelled(labelled, topics, gold.unmatched, mode, counts, +timeouts)  # without the zeros

    def _restrict(self, names: Sequence[str]) -> None:
        """Leave out all topics but some, and the rules that vote on others."""
        topics = self.topics or {name: Topic() for name in names}
        if not names or (unknown := [name for name in names if name not in topics]):
            found = f"there is no topic '{unknown[0]}'" if names else "found no topic"
            raise InputError(f"labels.only: {found}; allowed: {listing(topics, 40) or 'a list [A,B]'}")
        functions = {name: rule for name, rule in self.functions.items() if rule.topic in names}
        self._set(topics={name: topics[name] for name in names}, functions=functions, other_topics="ignore")

    def _set(self, **values: Any) -> None:
        """Set fields while the labeller is made."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def asked_mode(self) -> str:
        """What people are asked for: the mode, or any number of topics where that is left to their labels."""
        return self.mode or "multilabel"

    def all_rules(self) -> dict[str, Rule]:
        """Return the rules by name: of each topic's keywords and patterns, and the labelling functions."""
        return collect_rules(self.topics, self.functions)

    def function_modules(self) -> list[str]:
        """Return the modules, of those that are allowed, whose functions the rules call."""
        modules = {rule.function.rpartition(".")[0] for rule in self.all_rules().values() if rule.function}
        return sorted(module for module in modules if is_within(module, self.allowed_modules))

    def vote(self, texts: Sequence[str], timeouts: Counter[str] | None = None) -> np.ndarray:
        """Return the votes of all rules: int8, shape (texts, rules); 1 for the rule's topic, -1 against, 0 neither.

        To `timeouts` are added, by rule, the texts on which its patterns took too long.
        """
        return vote(texts, self.all_rules(), self.allowed_modules, timeouts)

    def combine_votes(self, votes: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Turn `votes` into the probability of each topic, shape (sentences, topics).

        `known` are the labels by people from `known_labels`: 1, 0, or -1 where there are none.
        """
        topic_of_rule = [rule.topic for rule in self.all_rules().values()]
        return combine_votes(votes, topic_of_rule, list(self.topics), self.label_model, known)

    def label_by_rules(self, sentences: pd.DataFrame, timeouts: Counter[str] | None = None) -> pd.DataFrame:
        """Label by rules the sentences without a label; with `soft`, say in `weights` how sure all labels are.

        To `timeouts` are added, by rule, the sentences on which its patterns took too long.
        """
        if not self.all_rules():
            raise InputError(f"labels.rules: {_describe_missing_rules(self.topics)}")
        P = self.combine_votes(self.vote(sentences["text"].tolist(), timeouts), known_labels(sentences, self.topics))

        is_topic = P > 0.5 if self.mode != "multiclass" else P.argmax(axis=1)[:, None] == np.arange(P.shape[1])
        by_rules = _to_series([tuple(compress(self.topics, row)) for row in is_topic], sentences.index)
        unlabelled = (sentences["label_source"] == "").to_numpy()
        labelled = sentences.assign(
            labels=sentences["labels"].mask(unlabelled, by_rules),
            label_source=sentences["label_source"].mask(unlabelled, "rules"),
        )
        if not self.soft:
            return labelled
        sureness = np.abs(2 * P - 1)  # 0 for a probability of a half, 1 for one of 0 or 1
        return labelled.assign(weights=_to_series([tuple(row) for row in sureness.tolist()], sentences.index))

    def _label_by_people(self, sentences: pd.DataFrame, gold_rows: GoldRows) -> tuple[pd.DataFrame, MatchedGold]:
        """Take labels that came with the sentences, and gold labels over them; also return what gold says."""
        labels = _to_series([None] * len(sentences), sentences.index)
        source = pd.Series("", index=sentences.index, dtype=object)
        if self.given and "labels" in sentences:
            is_given = sentences["labels"].notna()
            labels, source = labels.mask(is_given, sentences["labels"]), source.mask(is_given, "given")

        gold = match_gold(sentences, parse_gold(gold_rows, self.columns, self.delimiter), self.conflict)
        is_gold = gold.labels.notna()
        labels, source = labels.mask(is_gold, gold.labels), source.mask(is_gold, "gold")
        return sentences.assign(labels=labels, label_source=source.astype(str)), gold

    def _ignore_other_topics(self, labelled: pd.DataFrame) -> tuple[pd.DataFrame, int]:
        """Leave out labels of topics that the taxonomy lacks, where that is asked for; also return how many."""
        if self.other_topics == "error" or not self.topics:
            return labelled, 0
        before = labelled["labels"]
        after = [names and tuple(name for name in names if name in self.topics) for names in before]
        # With one topic each, a sentence of another topic is none to learn from; else it is one without a topic
        if self.mode == "multiclass":
            after = [names or None for names in after]
        labels = _to_series(after, labelled.index)
        ignored = sum(len(old) - len(new or ()) for old, new in zip(before, after, strict=True) if old)
        return labelled.assign(labels=labels, label_source=labelled["label_source"].mask(labels.isna(), "")), ignored

    def _check_labels(self, labelled: pd.DataFrame, topics: tuple[str, ...]) -> None:
        """Refuse a label outside the taxonomy, and in multiclass any number of labels but one."""
        known = set(topics)
        for row, names in enumerate(labelled["labels"]):
            if names is None:
                continue
            if unknown := [topic for topic in names if topic not in known]:
                problem = f"label '{unknown[0]}' is not a topic of the taxonomy; allowed: {listing(topics, 40)}"
                raise InputError(f"{_describe_sentence(labelled.iloc[row])}: {problem}")
            if self.mode == "multiclass" and len(names) != 1:
                problem = f"{len(names)} labels, but labels.mode=multiclass wants exactly one"
                raise InputError(f"{_describe_sentence(labelled.iloc[row])}: {problem}")


def has_one_topic_each(labelled: pd.DataFrame) -> bool:
    """Tell whether people gave every labelled sentence exactly one topic, and rules labelled none."""
    labels = labelled["labels"].dropna()
    return bool((labels.map(len) == 1).all()) and not (labelled["label_source"] == "rules").any()


def suggest_mode(one_topic_each: bool, topics: Sequence[str]) -> str:
    """Return the mode that labels suggest; a single topic can only be there or not."""
    return "multiclass" if one_topic_each and len(topics) > 1 else "multilabel"


def mode_notes(given: str | None, suggested: str) -> list[str]:
    """Return what to say of a mode that was not given."""
    if given or suggested == "multilabel":
        return []
    return ["every sentence has exactly one topic, so the model gives exactly one (labels.mode=multilabel: any number)"]


def _describe_sentence(sentence: pd.Series) -> str:
    """Return what a user finds a sentence by: its id, its article and how it begins."""
    return f"sentence {sentence['sentence_id']} of article {sentence['article_id']} ({sentence['text'][:40]!r})"


def _to_series(cells: list[Any], index: pd.Index) -> pd.Series:
    """Return tuples, or None, as the cells of a column."""
    return pd.Series(cells, index=index, dtype=object)


def describe_timeouts(timeouts: Mapping[str, int]) -> list[str]:
    """Return what to warn of where the patterns of rules took too long."""
    late = [f"{rule} {count}" for rule, count in timeouts.items() if count]
    return [f"patterns took too long and count as not found, sentences by rule: {listing(late)}"] if late else []
