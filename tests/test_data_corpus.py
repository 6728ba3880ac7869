"""Data sets as frames: nothing is lost between the files and what is trained on."""

import json
import re

import pandas as pd
import pytest

from slugline.data.corpus import ArticleCorpus, Corpus, read_corpus, split_articles
from slugline.data.ready_sentences import SentenceCorpus
from slugline.data.schema import ARTICLE_COLUMNS, SENTENCE_COLUMNS
from slugline.errors import InputError


@pytest.fixture
def write(tmp_path):
    """Write rows as JSON lines and return the file."""

    def to_file(*rows, name="data.jsonl"):
        file = tmp_path / name
        file.write_text(
            "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8"
        )
        return str(file)

    return to_file


def test_articles_become_sentences_that_point_into_them(write):
    rows = [
        {
            "article_id": "a",
            "text": "Truce holds.\nTalks go on. They end.",
            "published": "2016-10-06",
            "source": "Wire",
        },
        {"article_id": "b", "text": "Post a Comment"},
    ]
    corpus = ArticleCorpus(write(*rows))()
    sentences = corpus.sentences()
    assert tuple(corpus.articles.columns) == ARTICLE_COLUMNS
    assert list(sentences.columns) == [*SENTENCE_COLUMNS, "title", "published", "source", "language"]
    assert sentences["text"].tolist() == ["Truce holds.", "Talks go on.", "They end.", "Post a Comment"]
    assert sentences["debris"].tolist() == [False, False, False, True]
    assert sentences["position"].tolist() == [0, 1, 2, 0]
    assert sentences["published"].tolist()[:3] == ["2016-10-06"] * 3
    text = corpus.articles.set_index("article_id")["text"]
    assert all(text[row.article_id][row.start : row.end] == row.text for row in sentences.itertuples())


def test_an_article_id_that_comes_again_is_rejected_with_both_places(write):
    corpus = ArticleCorpus(write({"article_id": "a", "text": "One."}, "{bad", {"article_id": "a", "text": "Two."}))()
    assert corpus.articles["text"].tolist() == ["One."]
    assert [one.where for one in corpus.rejected] == ["data.jsonl:2", "data.jsonl:3"]
    assert corpus.rejected[1].reason == "repeats the article_id 'a' of data.jsonl:1"


def test_further_columns_of_articles_are_those_of_their_sentences(write):
    data = write({"article_id": "a", "text": "Truce holds. Talks go on.", "desk": "World"}, {"text": "One.", "part": 2})
    corpus = ArticleCorpus(data, keep=["desk", "part"])()
    assert corpus.sentences()[["desk", "part"]].astype(object).where(
        lambda cell: cell.notna(), None
    ).to_numpy().tolist() == [
        ["World", None],
        ["World", None],
        [None, "2"],
    ]
    (chunk,) = ArticleCorpus(data, keep=["desk"], chunk_rows=9).chunks()
    assert chunk.sentences()["desk"].tolist()[:2] == ["World", "World"]


@pytest.mark.parametrize("kind", [ArticleCorpus, SentenceCorpus])
def test_a_further_column_that_no_row_has_or_whose_name_is_taken_is_refused(write, kind):
    data = write({"text": "Truce holds.", "labels": []})
    with pytest.raises(InputError, match=r"^data\.keep: no row has a column 'desk'$"):
        kind(data, keep=["desk"])()
    with pytest.raises(
        InputError, match=r"^data\.keep: 'labels' is a built-in column; choose another name; built in: "
    ):
        kind(data, keep=["labels"])()
    with pytest.raises(InputError, match=r"^data\.keep: 'text_type' is listed twice"):
        kind(data, keep=["text_type", "text_type"])()


def test_articles_of_which_only_some_have_a_language_are_split_all_alike():
    columns = ("article_id", "title", "text", "published", "source", "url", "language")
    rows = [
        (str(n), None, "It rains. It pours.", None, None, None, language) for n, language in enumerate(["en", None])
    ]
    found = split_articles(pd.DataFrame(rows, columns=list(columns)))
    assert found["text"].tolist() == ["It rains.", "It pours."] * 2


def test_no_article_gives_no_sentence_but_all_columns():
    assert tuple(split_articles(pd.DataFrame(columns=list(ARTICLE_COLUMNS))).columns) == SENTENCE_COLUMNS


@pytest.mark.parametrize("kind", [ArticleCorpus, SentenceCorpus])
@pytest.mark.parametrize("row", ["", "{bad", {"text": " "}, {"words": "x"}])
def test_a_file_without_anything_readable_is_an_error_that_says_why(write, kind, row):
    says = r"^(no (article|sentence) could be read; data\.jsonl|data\.columns: no column has a usual name for the (labels|text))"
    with pytest.raises(InputError, match=says):
        kind(write(row))()


def test_a_reader_may_return_a_frame_of_articles_and_its_further_columns_reach_the_sentences():
    frame = pd.DataFrame({"tags": ["x", "y"], "text": ["One. Two.", "Three."], "article_id": ["a", "b"]}, index=[7, 7])
    corpus = read_corpus(lambda: frame)
    assert [*corpus.articles] == [*ARTICLE_COLUMNS, "tags"]
    assert corpus.articles["source"].tolist() == [None, None]
    assert corpus.sentences()[["text", "tags"]].to_numpy().tolist() == [["One.", "x"], ["Two.", "x"], ["Three.", "y"]]
    assert read_corpus(lambda: corpus) is corpus


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({}, "the reader returned no article"),
        ({"text": ["x"]}, "the articles have no column 'article_id'; found: text"),
        ({"article_id": ["a", "a"], "text": "x"}, "article_id 'a' is repeated"),
        ({"article_id": [1], "text": "x"}, "article_id is 1 (int) in an article; allowed: text"),
        ({"article_id": ["a", "b"], "text": ["x", None]}, "text is None (NoneType) in an article; allowed: text"),
        ({"article_id": ["a"], "text": "x", "published": pd.Timestamp("2024-05-01")}, "published is Timestamp("),
        ({"article_id": ["a"], "text": "x", "position": 1}, "the articles have a column 'position', which is built in"),
    ],
)
def test_a_frame_of_articles_that_lacks_something_is_refused(columns, says):
    frame = pd.DataFrame(columns, dtype=object)
    with pytest.raises(InputError, match=f"^data: {re.escape(says)}"):
        Corpus.from_frame(frame)


def test_a_reader_that_returns_anything_else_is_refused():
    with pytest.raises(InputError, match=r"^data: function returned a list; allowed: a DataFrame of articles"):
        read_corpus(lambda: [])
