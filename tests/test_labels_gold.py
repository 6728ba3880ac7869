"""Gold labels are read in the form that sentences have, from one file or several, and a bad row is an error."""

import json

import numpy as np
import pandas as pd
import pytest

from slugline.cache import Stages
from slugline.data.corpus import ArticleCorpus
from slugline.dataset import read_labelled
from slugline.errors import InputError
from slugline.labels import Labels, gold_files, read_gold
from slugline.labels.gold import by_people, parse_gold
from slugline.review.candidates import read_candidates


def test_gold_texts_and_ids_are_brought_to_the_form_they_have_in_the_articles(tmp_path):
    (tmp_path / "news.jsonl").write_text(json.dumps({"article_id": 1, "text": "The ministerâ€™s truce.\r\nIt held."}))
    gold = pd.DataFrame(
        {"art": [1.0, np.nan], "sent": [" The ministerâ€™s truce. ", "x"], "labels": [["aid"], ["war"]]}
    )
    gold.to_parquet(tmp_path / "gold.parquet")
    labels = Labels(gold=str(tmp_path / "gold.parquet"), columns={"article_id": "art", "text": "sent"})
    sentences = ArticleCorpus(str(tmp_path / "news.jsonl"))().sentences()
    labelled = labels(sentences, read_gold(labels.gold, labels.columns))
    assert labelled.sentences["labels"].tolist() == [("aid",), None]
    assert labelled.unmatched == ["gold.parquet:2"]


def test_gold_may_be_several_files_and_may_be_none(tmp_path):
    files = [tmp_path / name for name in ("s1.jsonl", "s2.jsonl")]
    for file in files:
        file.write_text(json.dumps({"sentence_id": file.stem, "labels": []}))
    assert [where for where, _ in read_gold(files, {})] == ["s1.jsonl:1", "s2.jsonl:1"]
    assert gold_files(files) == [(file, file.name) for file in files]
    assert list(read_gold(None, {})) == gold_files(None) == []


@pytest.mark.parametrize("content", ["", "{bad"])
def test_a_gold_file_that_cannot_be_read_is_an_error_with_its_place(tmp_path, content):
    file = tmp_path / "data.jsonl"
    file.write_text(content)
    with pytest.raises(InputError, match=r"gold labels, data\.jsonl(:1)?: (empty: no row|not JSON)"):
        Labels()(pd.DataFrame({"sentence_id": [], "article_id": [], "text": []}), read_gold(file, {}))


def test_what_is_neither_unlabelled_nor_by_rules_is_by_people():
    sentences = pd.DataFrame({"label_source": ["gold", "given", "rules", "", "a labeller's own"]})
    assert by_people(sentences).tolist() == [True, True, False, False, True]


OTHER_STEPS = {
    "html_entities": (False, "Fish &amp; chips were handed out."),
    "soft_hyphens": (True, "Rice was handed out at the bor\xadder."),
    "html_tags": (True, "Rice was <b>handed</b> out."),
}


@pytest.mark.parametrize("step", OTHER_STEPS)
def test_gold_texts_are_cleaned_by_the_steps_that_clean_the_articles(tmp_path, step):
    on, text = OTHER_STEPS[step]
    (tmp_path / "news.jsonl").write_text(json.dumps({"article_id": "a", "text": f"Rain fell. {text}"}))
    (tmp_path / "gold.jsonl").write_text(json.dumps({"article_id": "a", "text": text, "labels": ["aid"]}))
    articles, labels = (
        ArticleCorpus(str(tmp_path / "news.jsonl"), cleaning={step: on}),
        Labels(gold=str(tmp_path / "gold.jsonl")),
    )
    _, labelled = read_labelled(articles, labels, Stages())
    assert labelled.counts["exact"] == 1
    assert read_candidates(articles, labels).by_people.tolist() == [False, True]


def test_a_name_of_several_lines_is_told_in_one(tmp_path):
    (tmp_path / "gold.csv").write_text('"sentence\nid","te\r\nxt"\n1,war\n', encoding="utf-8")
    with pytest.raises(InputError) as told:
        list(parse_gold(read_gold(str(tmp_path / "gold.csv"), {}), {}, ","))
    assert len(str(told.value).splitlines()) == 1
    assert "sentence id" in str(told.value)
