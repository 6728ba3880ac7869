"""Sentences are spans of the article, whole, in order and with nothing lost; web debris is marked and news is not."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugline.data.articles import read_articles
from slugline.data.debris import debris_step
from slugline.data.schema import Article, sentence_id
from slugline.data.sentences import normal_form, split_article, split_text, whole_article

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def article(text: str, language: str | None = None, article_id: str = "a") -> Article:
    """Return an article of a text."""
    return Article(article_id, None, text, None, None, None, language)


def split(text: str, language: str | None = None) -> list[str]:
    """Return the texts of the sentences."""
    return [sentence.text for sentence in split_article(article(text, language))]


# ---- the real article


def test_the_real_article_has_fourteen_sentences_and_two_pieces_of_debris(real_article):
    sentences = split_article(next(article for _, article in read_articles(real_article)))
    assert [sentence.text for sentence in sentences if sentence.debris] == ["No comments:", "Post a Comment"]
    news = [sentence.text for sentence in sentences if not sentence.debris]
    assert len(news) == 14
    assert not [text for text in news if text.endswith(("U.N.", "the U.S."))]
    assert all(text.count("“") == text.count("”") for text in news)
    assert "Washington broke off talks with Moscow on Monday, accusing Russia of breaking its commitments." in news


def test_the_sample_is_split_as_its_labels_say():
    labels = [json.loads(line) for line in (SAMPLE / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    articles = {one.article_id: one for _, one in read_articles(SAMPLE / "articles.jsonl")}
    found = {sentence.sentence_id: sentence for one in articles.values() for sentence in split_article(one)}
    lost = [row["sentence_id"] for row in labels if row["sentence_id"] not in found]
    assert lost == []
    assert all(found[row["sentence_id"]].text == row["text"] for row in labels)
    assert all(found[row["sentence_id"]].article_id == row["article_id"] for row in labels)


# ---- offsets

PIECES = [
    "U.N. ",
    "Gen. ",
    "No. 5",
    "No. A",
    "May. ",
    "“",
    "”",
    '"',
    "'",
    "’",
    "‘",
    "?",
    "!",
    ". ",
    "…",
    "(",
    ")",
    "[",
    "]",
]
PIECES += [
    "\n",
    "\r",
    "\r\n",
    "\v",
    "\f",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    " ",
    "\t",
    "\xa0",
    "\u3000",
    "\u200b",
    "\0",
]
PIECES += [
    "\ud800",
    "\udfff",
    "😀",
    "e\u0301",
    "ßß",
    "he left",
    "The truce",
    "non-U.S. ",
    "a" * 41,
    "\ufeff",
    "।",
    "。",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=80),
    st.lists(st.sampled_from(["word " * 11, "the end.", "", "Gen."]), max_size=8).map("\n".join),  # hard-wrapped
)


@given(TEXTS)
@example("")
@example(" \n\t\u3000")
@example("\ud800. \udfff")
@example("A.\r\nB.\rC.")
def test_spans_are_ordered_apart_and_all_outside_them_is_blank(text):
    sentences = split_article(article(text, "en"))
    end = 0
    for position, sentence in enumerate(sentences):
        assert sentence.position == position
        assert text[sentence.start : sentence.end] == sentence.text
        assert text[end : sentence.start].strip() == ""
        assert end <= sentence.start < sentence.end
        assert sentence.text == sentence.text.strip() != ""
        end = sentence.end
    assert text[end:].strip() == ""
    assert len({sentence.sentence_id for sentence in sentences}) == len(sentences)


@given(TEXTS)
def test_an_article_that_is_one_sentence_keeps_all_but_the_blanks_at_its_ends(text):
    whole = whole_article(article(text))[0]
    assert whole.text == text.strip() == text[whole.start : whole.end]


def test_a_text_is_split_as_the_article_that_it_is_of():
    text = "Truce holds. Talks go on.\nPost a Comment"
    assert split_text(text, article_id="a") == split_article(article(text))
    assert [sentence.debris for sentence in split_text(text)] == [False, False, True]
    assert split_text(text)[0].sentence_id != split_article(article(text))[0].sentence_id
    assert split_text(" \n ") == []


def test_a_sentence_id_never_changes():
    assert sentence_id("a", 0, 5, "Truce") == "95eedae697bc9e02"
    first, second = split_article(article("Truce. Truce."))
    assert (first.text, first.sentence_id != second.sentence_id) == (second.text, True)
    assert split_article(article("Truce. Truce."))[1].sentence_id == second.sentence_id
    assert split_article(article("Truce. Truce.", article_id="b"))[0].sentence_id != first.sentence_id


# ---- where sentences end

WHOLE = [
    "He asked the U.N. Security Council to act.",
    "The U.S. Army left the town.",
    "Talks with the non-U.S. Army officers failed.",
    "He met Gen. Smith and Lt. Gen. Ivan Ivanov in Geneva.",
    "Sgt. Maj. Bob Jones and Mr. Kerry met Sen. John McCain, R-Ariz., on Monday.",
    "It was No. 5 on the list.",
    "J. K. Rowling met A.P. Hill and Vladimir V. Putin.",
    "Smith & Co. Ltd., a maker of tents, gave 3.5 million dollars.",
    "St. Petersburg saw Dr. Ivanov at 5 a.m. on Monday.",
    "“Why?” asked the minister.",
    '"Is it over?" she asked.',
    "“Stop the war!” the crowd shouted.",
    "The draft (by the U.S. envoy) “puts an end to all flights.”",
    "“The fight vs. Iran is over,” he said.",
]
CUT = [
    ("He said no.", "She said yes."),
    ("They met in May.", "A truce followed."),
    ("“We will not go.”", "He left."),
    ('"We will not go."', "He left."),
    ("He said: “We go.", "We stay.”", "Then he left."),
    ("“Go.”", "“Stay.”", "They left."),
    ("He asked why.", "“Because,” she said."),
    ("(He left.)", "She stayed."),
    ("He lives in the U.S.", "He likes it."),
    ("The vote began at 6 p.m.", "Fighters withdrew."),
    ("The deal fell through...", "But talks go on."),
    ("Was it him?", "Yes.", "It was!"),
]


@pytest.mark.parametrize("text", WHOLE)
def test_abbreviations_initials_and_quoted_questions_do_not_end_a_sentence(text):
    assert split(text) == [text]
    assert split(f"{text} Then he left.") == [text, "Then he left."]


@pytest.mark.parametrize("texts", CUT, ids=" | ".join)
def test_sentences_end_where_a_reader_ends_them(texts):
    assert split(" ".join(texts)) == list(texts)


@pytest.mark.parametrize("end", ["\n", "\n\n", "\u2028", "\v", "\x85"])
def test_a_line_end_ends_a_sentence(end):
    assert split(f"Truce holds in Aleppo{end}The guns fell silent.") == [
        "Truce holds in Aleppo",
        "The guns fell silent.",
    ]


def test_hard_wrapped_text_is_read_across_its_lines():
    text = (
        "The 15-member council began negotiations on Monday on a\n"
        "draft resolution that urges Russia and the United States\n"
        "to ensure an immediate truce in Aleppo. Nobody spoke of\n"
        "the price of bread.\n"
        "\n"
        "A second paragraph stands apart from the first one, as\n"
        "paragraphs do.\n"
    )
    found = split(text)
    assert [one.split()[-1] for one in found] == ["Aleppo.", "bread.", "do."]
    assert all(one in text for one in found)


@pytest.mark.parametrize("language", [None, "", "en", "EN", "en-US", "English", "de", "hi", "xx", "\0"])
def test_no_language_tag_stops_the_splitting(language):
    assert split("He left. She stayed.", language) == ["He left.", "She stayed."]


# ---- time

LONG = [
    "“unclosed. Then more words. ",
    "He said no. ",
    "No. A ",
    "“Why?” asked ",
    "Mr. ",
    "U.S. ",
    "((( a. ",
    "x.”",
    "\n",
    "word ",
    "\ud800. ",
    "「行かない。",
    "（a。",
    "1. ",
    "a! ",
    "“a! ",
    "<p>a.</p>",
    "a@b.co. ",
]


@pytest.mark.parametrize("piece", LONG)
def test_the_time_of_a_line_grows_with_its_length_not_with_its_square(piece):
    def seconds(letters: int) -> float:
        text = piece * (letters // len(piece))
        begin = time.process_time()
        split_text(text)
        return time.process_time() - begin

    short = min(seconds(4_000) for _ in range(3))
    assert seconds(64_000) < 64 * short + 0.05  # 16 times as long; by the square it would be 256 times


# ---- debris

DEBRIS = [
    "No comments:",
    "Post a Comment",
    "3 comments",
    "View all 23 comments",
    "Leave a Reply",
    "Read more",
    "READ ALSO:",
]
DEBRIS += ["Share this on Facebook", "Tweet", "Follow us on Twitter", "Subscribe to our newsletter", "Advertisement"]
DEBRIS += [
    "Related stories",
    "Click here",
    "Older Posts",
    "Home",
    "Print this article",
    "Sign up now",
    "***",
    "— 12 —",
    "2",
]
DEBRIS += [
    "Posted by John at 5:03 PM",
    "Updated on March 3, 2002",
    "This story is from March 3, 2002",
    "Photo: AP",
    "Source: Reuters",
]
DEBRIS += [
    "© 2020 Reuters, all rights reserved.",
    "lucknow:",
    "NEW DELHI:",
    "NEW DELHI, March 3 (Reuters) -",
    "WASHINGTON —",
]
NEWS = [
    "He said no.",
    "It failed.",
    "War.",
    "No.",
    "They left.",
    "The minister said:",
    "He added:",
    "They reply.",
    "I like it.",
]
NEWS += [
    "Comment was refused.",
    "Photos were taken.",
    "Sources said no.",
    "Print shops closed.",
    "Home is far.",
    "Like this one.",
]
NEWS += [
    "Via Rome he fled to Paris.",
    "They read more.",
    "Top generals met.",
    "Ayodhya: 12 dead",
    "Two replies came from Moscow.",
]
NEWS += ["Published in Paris, the paper closed.", "Posted in Kabul, the troops saw no fighting for a month."]
NEWS += [
    "Share prices fell.",
    "Follow the money, he said.",
    "NATO - the alliance - met.",
    "Filed under protest, the suit failed.",
]


@pytest.mark.parametrize("text", DEBRIS)
def test_what_a_web_page_puts_around_news_is_debris(text):
    assert debris_step(text)
    assert [sentence.debris for sentence in split_article(article(f"The truce held.\n{text}"))] == [False, True]


@pytest.mark.parametrize("text", NEWS)
def test_a_short_sentence_of_news_is_no_debris(text):
    assert debris_step(text) is None


def test_no_sentence_with_a_gold_topic_in_the_sample_is_debris():
    labels = [json.loads(line) for line in (SAMPLE / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in labels if row["labels"] and debris_step(row["text"])] == []


@pytest.mark.parametrize("piece", ["A-", "A ", "a ", "a,", "1 ", "share ", "A.'’-", " -"])
def test_telling_debris_takes_no_time_on_any_text(piece):
    begin = time.perf_counter()
    debris_step((piece * 199)[:199])
    debris_step((piece * 199)[:198] + "\0")
    assert time.perf_counter() - begin < 1


def test_the_normal_form_is_words_alone():
    assert normal_form("“The U.N.” — Straße\t2016!") == "the u n strasse 2016"
