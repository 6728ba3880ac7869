"""Rules find what a plain regular expression finds, many at once; and what none can: nearness and negation."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugline.errors import InputError
from slugline.labels import Near, Rule, Topic, collect_rules, vote
from slugline.labels.inflections import inflect
from slugline.labels.phrases import PHRASE_WORD


def fires(text: str, **keys) -> bool:
    """Return whether a rule votes for its topic on a text."""
    return vote([text], {"r": Rule(topic="t", **keys)}).tolist() == [[1]]


WORDS = st.sampled_from(["truce", "truces", "cease", "fire", "fired", "firm", "the", "U.N.", "a-b", "no", "été", "x"])
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), max_size=6)
PHRASES = st.lists(
    st.sampled_from(["truce*", "cease-fire", "fir*", "*e", "the * x", "fire~", "U.N.", "été", "the"]),
    min_size=1,
    max_size=4,
)


def plain(phrase: str) -> str:
    """Return a regular expression for a phrase."""
    parts = []
    for part in PHRASE_WORD.findall(phrase.lower()):
        forms = inflect(part[:-1]) if part.endswith("~") else (part,)
        likes = [r"\w+" if form == "*" else re.escape(form).replace(r"\*", r"\w*") for form in forms]
        edge = r"\b" if re.match(r"[\w*]", part) else ""
        parts.append(f"{edge}(?:{'|'.join(likes)}){edge}")
    return r"\s*".join(parts)


@given(TEXTS, st.lists(PHRASES, min_size=1, max_size=4))
def test_phrases_are_found_where_a_regular_expression_for_each_finds_them(texts, rules):
    votes = vote(texts, {str(n): Rule(topic="t", any=phrases) for n, phrases in enumerate(rules)})
    expected = [[any(re.search(plain(p), text.lower()) for p in phrases) for phrases in rules] for text in texts]
    assert (votes == 1).tolist() == expected


@given(TEXTS, st.integers(0, 4), st.booleans())
def test_nearness_counts_the_words_between(texts, within, ordered):
    near = Near("the", "truce*", within, ordered)
    for text, (found,) in zip(texts, vote(texts, {"n": Rule(topic="t", near=[near])}).tolist(), strict=True):
        tokens = re.findall(r"\w+|[^\w\s]", text.lower())
        firsts, seconds = (
            [n for n, token in enumerate(tokens) if token in some] for some in (("the",), ("truce", "truces"))
        )
        gaps = [s - f - 1 for f in firsts for s in seconds if s > f or not ordered]
        assert (found == 1) == any(0 <= (gap if gap >= 0 else -gap - 2) <= within for gap in gaps)


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("The army did not shell the town.", True),
        ("The army didn't shell the town.", True),
        ("The army didn’t, it seems, shell the town.", False),
        ("No one saw them shell the town.", True),
        ("He was not there, but they shell the town.", False),
        ("Not. They shell the town.", False),
        ("They shell the town, not the port.", False),
        ("They never, ever shell.", False),
        ("It is not in the interest of either of the two to shell it.", False),
        ("They shell.", False),
    ],
)
def test_a_negation_reaches_a_few_words_of_its_clause(text, negated):
    assert fires(text, any=["shell~"], negated="count")
    assert fires(text, any=["shell~"], negated="skip") == (not negated)
    assert fires(text, any=["shell~"], negated="only") == negated


def test_what_an_allowed_module_only_imported_is_not_its_own():
    with pytest.raises(InputError, match="is not a function of an allowed module"):
        vote(["os"], {"loud": Rule(topic="t", function="slugline.labels.rules.import_module")}, ["slugline"])


def test_either_of_two_phrases_may_be_negated():
    near = [Near("police", "open fire", 6)]
    assert fires("Police did open fire.", near=near, negated="skip")
    assert not fires("Police did not open fire.", near=near, negated="skip")
    assert fires("Police did not open fire.", near=near, negated="only")


def test_curly_marks_and_plain_ones_are_the_same():
    assert fires("They won’t go.", any=["won't"])
    assert fires("A cease\u2011fire.", any=["cease-fire"])


def test_a_negation_does_not_reach_the_next_text():
    assert vote(["not", "shell"], {"r": Rule(topic="t", any=["shell"], negated="only")}).tolist() == [[0], [0]]


def test_any_all_and_none_come_together_and_a_rule_may_vote_against():
    keys = {"any": ["sanction*"], "all": ["impos*", "on"], "none": ["film*"]}
    assert fires("They imposed sanctions on him.", **keys)
    assert not fires("They imposed sanctions.", **keys)
    assert not fires("They imposed sanctions on the film.", **keys)
    assert fires("It rains on.", all=["on"])
    assert vote(["the film"], {"r": Rule(topic="t", vote="against", any=["film"])}).tolist() == [[-1]]
    assert vote(["rain", "film"], {"r": Rule(topic="t", none=["film"])}).tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("accuse", "accuses accused accusing"),
        ("carry", "carries carried carrying"),
        ("stop", "stops stopped stopping"),
        ("push", "pushes pushed pushing"),
        ("play", "plays played playing"),
        ("free", "frees freed freeing"),
        ("tie", "ties tied tying"),
        ("visit", "visits visited visiting visitted visitting"),
        ("permit", "permits permitted permitting permited permiting"),
        ("shell", "shells shelled shelling"),
        ("country", "countries countried countrying"),
        ("go", ""),
    ],
)
def test_a_tilde_stands_for_the_regular_inflections(word, forms):
    assert sorted(inflect(word)) == sorted([word, *forms.split()])


def test_a_function_of_an_allowed_module_votes_and_any_other_is_refused_before_it_is_imported(tmp_path, monkeypatch):
    (tmp_path / "loudness.py").write_text("def shout(text):\n    return text.isupper() if text.strip() else None\n")
    (tmp_path / "canary.py").write_text("open('canary', 'w').close()\ndef shout(text):\n    return True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    rule = {"loud": Rule(topic="t", function="loudness.shout")}
    assert vote(["HO", "ho", ""], rule, ["loudness"]).tolist() == [[1], [0], [0]]
    with pytest.raises(InputError, match=r"labels\.functions\.loud\.function: 'canary\.shout' is not allowed"):
        vote(["HO"], {"loud": Rule(topic="t", function="canary.shout")}, ["loudness"])
    assert not (tmp_path / "canary").exists()
    with pytest.raises(InputError, match=r"there is no 'antigravity_of_no_one\.f'"):
        vote(["x"], {"loud": Rule(topic="t", function="antigravity_of_no_one.f")}, ["antigravity_of_no_one"])
    for name in ("slugline.labels.rules.import_module", "os.system", "pipelines.f", "f"):
        with pytest.raises(InputError, match="is not allowed"):
            vote(["x"], {"loud": Rule(topic="t", function=name)})


TOPICS = {"war": Topic(keywords=["war"]), "aid": Topic()}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Rule(topic="peace", any=["a"]), "labels.functions.f.topic: 'peace' is not a topic; allowed: war, aid"),
        (Rule(topic="aid", any=["a"], vote="maybe"), "labels.functions.f.vote: 'maybe'; allowed: for, against"),
        (Rule(topic="aid", any=["a"], negated="yes"), "labels.functions.f.negated: 'yes'; allowed: count, skip, only"),
        (Rule(topic="aid"), "labels.functions.f: nothing to look for"),
        (Rule(topic="aid", near=[Near("a", "b", -1)]), "labels.functions.f.near.within: -1; allowed"),
        (Rule(topic="aid", any=[" "]), "labels.functions.f: ' ' is not a phrase"),
        (Rule(topic="aid", near=[Near("", "b")]), "labels.functions.f: '' is not a phrase"),
        (Rule(topic="aid", any=["~a"]), "labels.functions.f: '~a' is not a phrase"),
        (Rule(topic="aid", patterns=["("]), "labels.functions.f.patterns: '(' is not a regular expression"),
    ],
)
def test_a_rule_that_cannot_be_is_named_with_its_key(rule, message):
    with pytest.raises(InputError, match=re.escape(message)):
        vote(["text"], collect_rules(TOPICS, {"f": rule}))


def test_a_function_may_not_take_the_name_of_a_topics_keywords():
    with pytest.raises(InputError, match=r"labels\.functions\.war: this is the name"):
        collect_rules(TOPICS, {"war": Rule(topic="war", any=["x"])})


def test_votes_have_a_row_for_each_text_also_for_none():
    assert vote([], {"r": Rule(topic="t", any=["a b", "c~"])}).shape == (0, 1)
    assert vote(["", " "], {"r": Rule(topic="t", any=["a b"])}).tolist() == [[0], [0]]
    assert vote(["a", "b", "a"], {"r": Rule(topic="t", any=["a"])}).dtype == np.int8


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("洪水", "昨天洪水淹没了城市。"),
        ("停戦", "両国は停戦に合意した。"),
        ("น้ำท่วม", "เมื่อวานน้ำท่วมเมือง"),
        ("AI芯片", "新的AI芯片上市"),
    ],
)
def test_keywords_match_anywhere_in_scripts_without_blanks(phrase, text):
    rule = Rule(topic="a", any=[phrase])
    assert vote([text, "No such thing.", phrase[::-1]], {"one": rule})[:, 0].tolist() == [1, 0, 0]
