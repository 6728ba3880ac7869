"""Gold labels find their sentences where another splitter cut the text; contradictions and lost labels are named."""

import json

import pandas as pd
import pytest

from slugline.cache import Off, Stages
from slugline.data.corpus import ArticleCorpus
from slugline.dataset import build_dataset
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.splits import Random


def sentences(*texts):
    """Return the sentences of one article, ids s0, s1, ..."""
    ids = [f"s{number}" for number in range(len(texts))]
    return pd.DataFrame({"sentence_id": ids, "article_id": "a", "text": texts})


def gold(*rows):
    """Return rows of texts and labels of that article, as a gold file gives them."""
    return [
        (f"gold.csv:{number}", {"article_id": "a", "text": text, "labels": labels})
        for number, (text, labels) in enumerate(rows, start=2)
    ]


ARTICLE = ("The truce held.", "He said: it is over,\nfor now.", "No one knows.", "No one knows.")


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        ("it is over", [1]),
        ("The truce held. He said: it is over, for now.", [0, 1]),
        ("The truce  held. He", [0]),
        ("He said: it is over, for\nnow.", [1]),
        ("t is over", []),  # within a word
        ("No one", []),  # which of the two?
        ("for now. No one knows. No one knows.", [2, 3]),
        ("Rain fell.", []),
        ("™it is overâ€", [1]),  # the remains of mojibake that was cut in two
        ("it is over\ufffd", [1]),
        ("™t is over", []),
        ("â€", []),
        ("", []),
    ],
)
def test_a_gold_text_labels_the_sentences_that_it_lies_in_or_holds(text, labelled):
    result = Labels()(sentences(*ARTICLE), gold(("The truce held.", "x"), (text, "x")))
    assert result.sentences.index[result.sentences["labels"].notna()].tolist() == sorted({0, *labelled})
    assert (result.counts["exact"], result.counts["overlap"]) == (1, bool(labelled))
    assert result.unmatched == ([] if labelled else ["gold.csv:3"])


@pytest.mark.parametrize(
    ("conflict", "labels"), [("first", ("war",)), ("union", ("war", "aid", "peace")), ("drop", None)]
)
def test_different_labels_of_one_sentence_are_decided_as_asked_and_counted(conflict, labels):
    rows = gold(("The truce held.", "war"), ("The truce", "aid,peace"), ("No one knows.", "war"))
    result = Labels(conflict=conflict)(sentences(*ARTICLE), rows)
    assert result.sentences["labels"].tolist() == [labels, None, ("war",), ("war",)]
    assert result.counts["conflicts"] == 1


def test_all_sentences_with_different_labels_are_named_at_once_with_what_can_be_done():
    texts = [f"Sentence number {number}." for number in range(9)]
    rows = gold(*[(text, label) for label in ("war", "") for text in texts])
    with pytest.raises(InputError) as error:
        Labels()(sentences(*texts), rows)
    assert "9 times: 'Sentence number 0.': gold.csv:2 (war) and gold.csv:11 (no topic); " in str(error.value)
    assert str(error.value).endswith("; and 4 more; correct them, or add labels.conflict=union (or first, or drop)")


def test_a_wrong_way_to_decide_is_refused():
    with pytest.raises(InputError, match=r"labels\.conflict: 'last'; allowed: error, first, union, drop"):
        Labels(conflict="last")


def build(folder, gold_rows, **columns):
    """Return the dataset of ten articles of two sentences with gold labels of a file."""
    articles = [{"article_id": f"n{number}", "text": f"Truce {number} held. Rain fell."} for number in range(10)]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in articles))
    (folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold_rows))
    labels = Labels(gold=str(folder / "gold.jsonl"), columns=columns)
    return build_dataset(ArticleCorpus(str(folder / "news.jsonl")), labels, Random(), Stages(Off()))


def test_gold_that_matches_nothing_shows_both_sides_and_the_column_that_was_meant(tmp_path):
    rows = [{"article_id": n, "id": f"n{n}", "text": "Rain fell.", "labels": "rain"} for n in range(5)]
    with pytest.raises(InputError) as error:
        build(tmp_path, rows)
    message = str(error.value)
    assert message.startswith("gold labels: 0 of 5 match one of the 20 sentences; a gold label has article_id='0'")
    assert "article_id='n0', text='Truce 0 held.'" in message
    assert message.endswith("add labels.columns.article_id=id")
    assert len(build(tmp_path, rows, article_id="id").sentences) == 5


def test_gold_that_matches_nothing_for_another_reason_names_the_columns(tmp_path):
    with pytest.raises(InputError, match=r"labels\.columns names the columns, found: sentence_id, labels$"):
        build(tmp_path, [{"sentence_id": "gone", "labels": "rain"}])


def test_a_column_under_a_usual_name_is_told_with_what_to_add(tmp_path):
    with pytest.raises(InputError, match=r"found: id, text, labels; add labels\.columns\.article_id=id"):
        build(tmp_path, [{"id": "n0", "text": "Rain fell.", "labels": "rain"}])
    with pytest.raises(InputError, match=r"no column 'labels'; found: .*; add labels\.columns\.labels=topic"):
        build(tmp_path, [{"article_id": "n0", "text": "Rain fell.", "topic": "rain"}])


def test_the_share_of_gold_matched_by_overlap_and_lost_is_reported(tmp_path):
    rows = [{"article_id": f"n{n}", "text": "Rain fell.", "labels": "rain"} for n in range(5)]
    rows += [{"article_id": "n7", "text": "Truce 7 held. Rain fell.", "labels": []}]
    rows += [{"article_id": "n7", "text": "Gone.", "labels": []}]
    built = build(tmp_path, rows)
    assert "5 of 7 gold labels match a sentence exactly, 1 by overlap of their texts" in built.notes
    assert "1 of 7 gold labels match no sentence (changed or gone): gold.jsonl:7" in built.notes
    assert len(built.sentences) == 7
