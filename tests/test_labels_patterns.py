"""Regular expressions of rules: no text keeps them busy for ever, and what took too long is said."""

import time
from collections import Counter

import pandas as pd
import pytest

from slugline import TrainSettings
from slugline.errors import InputError
from slugline.labels import Labels, Rule, Topic, describe_timeouts, vote
from slugline.model.explanation import _strip_marks
from slugline.ngrams import TfidfVectorizer
from slugline.review.rules import report_rules

ENDLESS = r"(a|aa)+$"  # twice as long for each further a
HOSTILE = "a" * 60 + "!"
TAXONOMY = {"war": Topic(patterns=[ENDLESS, "truce"])}


def test_a_pattern_that_would_never_end_gives_up_and_the_other_patterns_still_count():
    timeouts = Counter()
    start = time.process_time()
    votes = Labels(topics=TAXONOMY).vote([HOSTILE, "a truce " + HOSTILE, "aaa", "rain", HOSTILE], timeouts)
    assert votes.ravel().tolist() == [0, 1, 1, 0, 0]
    assert timeouts == {"war": 3}  # sentences, though two are the same text
    assert time.process_time() - start < 10


def test_the_rules_report_says_which_rule_took_too_long_and_how_often():
    sentences = pd.DataFrame({"sentence_id": ["1", "2"], "article_id": "a", "text": [HOSTILE, "a truce"]})
    sentences = sentences.assign(labels=None, label_source="")
    report = report_rules(sentences, ("war",), Labels(topics=TAXONOMY))
    assert report.rules["timeouts"].tolist() == [1]
    assert report.notes == ["patterns took too long and count as not found, sentences by rule: war 1"]


def test_a_labeller_says_which_rules_took_too_long():
    sentences = pd.DataFrame({"sentence_id": ["1", "2"], "article_id": "a", "text": [HOSTILE, "a truce"]})
    labelled = Labels(topics=TAXONOMY | {"aid": Topic(keywords=["relief"])}, rules=True)(sentences)
    assert dict(labelled.timeouts) == {"war": 1}
    assert describe_timeouts(labelled.timeouts)
    assert not describe_timeouts({})


@pytest.mark.slow
def test_a_pattern_that_takes_too_long_on_many_sentences_is_an_error():
    texts = [f"{HOSTILE}{number}!" for number in range(20)]
    with pytest.raises(
        InputError, match=r"^labels\.topics\.war\.patterns: '\(a\|aa\)\+\$' took more than 1 s on 11 sen"
    ):
        vote(["rain", *texts], {"war": Rule(topic="war", patterns=[ENDLESS])})


@pytest.mark.parametrize("pattern", ["(", "[", "*a", r"(?P<n", "(?<=", "a{2,1}"])
def test_what_is_no_regular_expression_is_told(pattern):
    with pytest.raises(InputError, match=r"^labels\.topics\.war\.patterns: '.*' is not a regular expression: "):
        vote(["rain"], {"war": Rule(topic="war", patterns=[pattern])})


@pytest.mark.parametrize(
    ("patterns", "text", "finds"),
    [
        (["(x)y", r"(a)\1"], "aa", True),  # a group is counted from the pattern that it is in
        (["rain", "(?s)war.ends"], "war\nends", True),  # flags are those of one pattern
        (["(?x) rain  # wet", "snow"], "snow", True),
        ([r"(?<!no )truce"], "no truce", False),
        ([r"\bübung\w*"], "Die ÜBUNGEN enden", True),
        ([r"\p{Lu}\p{Ll}+stan"], "in Tadschikistan", True),
    ],
)
def test_each_pattern_is_searched_for_by_itself(patterns, text, finds):
    assert bool(vote([text], {"war": Rule(topic="war", patterns=patterns)})[0, 0]) == finds


@pytest.mark.parametrize(
    ("phrase", "word", "finds"),
    [("a*b*c", "axxbyyc", True), ("a*b*c", "acb", False), ("*", "x", True), ("*", "!", False), ("**", "x", True),
     ("*a", "a", True), ("aa*aa", "aaa", False), ("aa*aa", "aaaa", True), ("*man*", "policemen", False)],
)  # fmt: skip
def test_stars_stand_for_letters_or_none(phrase, word, finds):
    assert bool(vote([word], {"war": Rule(topic="war", any=[phrase])})[0, 0]) == finds


def test_stars_are_linear_in_a_word_of_a_million_letters():
    start = time.process_time()
    assert not vote(["a" * 1_000_000], {"war": Rule(topic="war", any=["*a*a*a*a*b*a*a*c"])}).any()
    assert time.process_time() - start < 5


@pytest.mark.parametrize("pattern", ["(a|aa)+b", "[a-z]+", None])
def test_a_token_pattern_that_no_model_can_hold_is_told_before_anything_is_read(pattern):
    with pytest.raises(InputError, match=r"^features\.word\.token_pattern: found .*; allowed: \(\?u\)"):
        TrainSettings(features={"word": TfidfVectorizer(token_pattern=pattern)})


def test_the_marks_around_a_word_of_a_million_characters_are_found_at_once():
    start = time.process_time()
    for word in ("a" + "!" * 1_000_000 + "a", "!" * 1_000_000, "!" * 500_000 + "a" + "!" * 500_000):
        assert _strip_marks(word) in (word, "a")
    assert time.process_time() - start < 2
