"""Where sentences end in news-like cases of many languages, and that the work grows with the text alone."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from slugline.data import boundaries
from slugline.data.boundaries import find_spans
from slugline.data.cleaning import clean
from slugline.data.sentences import split_text

sys.path.append(str(Path(__file__).parents[1] / "experiments"))
study = import_module("sentence_boundaries")
CASES = list(study.read_cases())
CONLLU = """# newdoc id = harbour
# newpar
# sent_id = 1
# text = The envoy met Gen. Ruiz.
1\tThe\tthe\tDET\t_\t_\t2\tdet\t_\t_
2\tRuiz\tRuiz\tPROPN\t_\t_\t0\troot\t_\t_

# sent_id = 2
# text = “They agreed.”
1\tThey\tthey\tPRON\t_\t_\t2\tnsubj\t_\tSpaceAfter=No

# newpar
# sent_id = 3
# text = Nobody signed
1\tNobody\tnobody\tPRON\t_\t_\t2\tnsubj\t_\t_

# newdoc id = valley
# sent_id = 4
# text = It rained.
1\tIt\tit\tPRON\t_\t_\t2\tnsubj\t_\t_
"""


def split(case):
    """Return the sentences of a case as our splitter finds them."""
    return [sentence.text for sentence in split_text(case.text, language=case.language)]


def test_the_cases_are_of_many_kinds_and_few_are_known_to_fail():
    assert len(CASES) > 150
    assert len({case.language for case in CASES}) > 12
    assert sum(case.known for case in CASES) < len(CASES) / 20


@pytest.mark.parametrize("case", [case for case in CASES if not case.known], ids=lambda case: case.text[:40])
def test_sentences_end_where_the_case_says(case):
    assert split(case) == case.sentences


@pytest.mark.parametrize("case", [case for case in CASES if case.known], ids=lambda case: case.text[:40])
def test_a_case_that_is_known_to_fail_fails_or_its_mark_goes(case):
    assert split(case) != case.sentences


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.language[:2] in ("zh", "ja")], ids=lambda case: case.text
)
def test_fullwidth_marks_that_cleaning_makes_ascii_end_sentences_too(case):
    cleaned = case._replace(text=clean(case.text).text)
    assert split(cleaned) == [clean(sentence).text for sentence in case.sentences]


@pytest.mark.parametrize("tags", [("de", "de-DE", "de_AT", "DE"), ("zh", "zh-Hant", "zh-hans-CN"), ("es", "es-419")])
def test_a_tag_is_read_without_its_region_and_script(tags):
    text = "Die 1. Bundesliga beginnt am 3. August. El Sr. Ruiz llegó. 他走了。她没有。"
    assert len({tuple(sentence.text for sentence in split_text(text, language=tag)) for tag in tags}) == 1
    assert len(split_text(text, language=tags[0])) >= 4


@pytest.mark.parametrize("piece", ["word ", "a. ", "「行かない。", "“a! ", "\n", "\ud800 ", "a" * 5000 + ". "])
def test_sentencex_sees_each_character_a_few_times_whatever_the_text(piece, monkeypatch):
    seen = []
    monkeypatch.setattr(
        boundaries,
        "segment",
        lambda language, text, own=boundaries.segment: seen.append(len(text)) or own(language, text),
    )
    text = piece * (200_000 // len(piece))
    find_spans(text, "en")
    assert sum(seen) <= 3 * len(text)
    assert max(seen, default=0) <= boundaries._WINDOW


def test_a_million_blank_lines_are_no_sentence():
    assert split_text("\n" * 1_000_000) == []


def test_a_long_line_is_cut_where_the_same_sentences_are_cut_in_a_short_one():
    sentence = "“Why?” asked Gen. Ruiz of the U.S. Army (in 2011), and left. "
    assert {one.text for one in split_text(sentence * 500)} == {sentence.strip()}


def test_gold_text_of_a_conllu_file_is_read_with_its_blanks_and_paragraphs(tmp_path):
    file = tmp_path / "gold.conllu"
    file.write_text(CONLLU, encoding="utf-8")
    first, second = study.read_conllu(file, "en")
    assert first.text == "The envoy met Gen. Ruiz. “They agreed.”\nNobody signed"
    assert first.sentences == ["The envoy met Gen. Ruiz.", "“They agreed.”", "Nobody signed"]
    assert (second.text, second.sentences) == ("It rained.", ["It rained."])


def test_the_study_scores_gold_files_and_cases(tmp_path, capsys):
    file = tmp_path / "gold file.conllu"
    file.write_text(CONLLU, encoding="utf-8")
    study.main("--language=en-GB", str(file))
    rows = capsys.readouterr().out
    assert "| gold file.conllu | slugline | 2 of 2 | 2 | 1.000 | 1.000 | 1.000 |" in rows
    assert "| cases, all | sentencex |" in rows
    with pytest.raises(SystemExit, match="--langage: no option"):
        study.main("--langage=de")


def test_the_score_counts_boundaries_that_are_missed_and_invented():
    texts = [study.Text("en", "A b. C d. E f.", ["A b.", "C d.", "E f."])]
    assert study.score(lambda text, tag: ["A b.", "C d. E f."], texts)["right"] == 1
    assert study.score(lambda text, tag: ["A", "b. C d.", "E f."], texts) == {
        "right": 1,
        "wanted": 2,
        "found": 2,
        "whole": 0,
        "texts": 1,
    }
