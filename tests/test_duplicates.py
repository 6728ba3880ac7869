"""Copies of sentences and articles are found, kept on one side of every split and of the folds, reported, never deleted."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugline import report
from slugline.cache import Folder, Stages
from slugline.data import SentenceCorpus
from slugline.dataset import build_dataset, check_dataset
from slugline.duplicates import (
    add_groups,
    article_groups,
    count_copies,
    group_articles,
    group_texts,
    list_copies,
    sentence_groups,
    template,
)
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.scoring import average_precision
from slugline.splits import ByArticle, ByTime, Given, Random
from slugline.training.chunk_splits import ChunkSplit
from slugline.training.fit import fit_model
from slugline.training.settings import TrainSettings

PLACES = ["harbour", "market", "bridge", "valley", "airport", "village", "station", "border", "ridge", "island"]
DEEDS = ["shelled", "mined", "flooded", "rebuilt", "closed", "guarded", "reopened", "searched", "evacuated", "fenced"]
WHO = ["Rebels", "Farmers", "Engineers", "Soldiers", "Ministers", "Monitors", "Drivers", "Nurses", "Traders", "Pilots"]
WHEN = [
    "after nightfall",
    "by order of the governor",
    "while talks went on",
    "in heavy rain",
    "without a word of warning",
]


def sentence(number: int) -> str:
    """Return one of 500 sentences that are no copies of each other."""
    words = WHO[number % 10], DEEDS[number // 10 % 10], PLACES[(number * 3 + number // 10) % 10], WHEN[number // 100]
    return f"{words[0]} {words[1]} the {words[2]} {words[3]} ({chr(97 + number % 26) * 3}{chr(97 + number // 26) * 4})."


# ---- texts


COPIES = {
    "case, blanks and marks": "THE  council agreed, on Monday, to send 40 trucks of flour to the besieged town",
    "other numbers": "The council agreed on Monday to send 1,250.5 trucks of flour to the besieged town.",
    "another word": "The council agreed on Tuesday to send 40 trucks of flour to the besieged town.",
    "its end cut": "The council agreed on Monday to send 40 trucks of flour to the",
}
ORIGINAL = "The council agreed on Monday to send 40 trucks of flour to the besieged town."
OTHER = "The council agreed on nothing, and the ministers went home to their families before dawn."


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_and_another_sentence_with_the_same_opening_is_not(kind):
    groups = group_texts([OTHER, ORIGINAL, COPIES[kind]])
    assert groups.tolist() == [0, 1, 1]


def test_exact_copies_differ_in_case_blanks_marks_and_numbers_alone():
    groups = group_texts([ORIGINAL, *COPIES.values()], "exact")
    assert groups.tolist() == [0, 0, 0, 3, 4]
    assert group_texts([ORIGINAL, ORIGINAL], "off").tolist() == [0, 1]


@pytest.mark.parametrize("how", ["near", "exact", "off"])
@pytest.mark.parametrize(
    "texts", [[], ["A"], ["", " "], ["!", "?", "🔥🔥", "🔥🔥"], ["\ud800 war", "\ud800 war"], ["停火", "停火协议"]]
)
def test_any_texts_have_groups(how, texts):
    groups = group_texts(texts, how)
    assert len(groups) == len(texts)
    same = [
        [(template(text) == template(other) and how != "off") or row == place for place, other in enumerate(texts)]
        for row, text in enumerate(texts)
    ]
    assert np.array_equal(groups[:, None] == groups[None, :], np.array(same, bool).reshape(len(texts), len(texts)))


def test_scripts_without_blanks_or_with_marks_have_near_copies_too():
    chinese = "停火协议于星期一凌晨生效双方交换了四十名战俘并同意开放边境口岸"
    hindi = "युद्धविराम सोमवार आधी रात से लागू हुआ और दोनों पक्षों ने चालीस बंदियों की अदला बदली की"
    texts = [chinese, hindi, chinese.replace("星期一", "星期二"), hindi.replace("सोमवार", "मंगलवार")]
    assert group_texts(texts).tolist() == [0, 1, 0, 1]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=40), max_size=30), st.randoms())
def test_a_group_is_named_by_its_first_text_and_does_not_depend_on_the_order(texts, random):
    groups = group_texts(texts)
    assert (groups <= np.arange(len(texts))).all()
    assert (groups[groups] == groups).all()
    order = list(range(len(texts)))
    random.shuffle(order)
    shuffled = group_texts([texts[row] for row in order])
    assert np.array_equal(shuffled[:, None] == shuffled, groups[order][:, None] == groups[order])


def test_many_sentences_keep_apart_and_their_copies_come_together_over_blocks(monkeypatch):
    monkeypatch.setattr("slugline.duplicates.texts._BLOCK", 64)  # as if there were too many for one
    texts = [sentence(number) for number in range(500)]
    copies = [text.replace("the ", "the old ", 1) for text in texts]
    groups = group_texts([*texts, *copies], similar=0.7)
    right = groups[500:] == np.arange(500)
    assert right.mean() > 0.95
    assert len(set(groups[:500].tolist())) > 490


# ---- articles


def corpus(*articles: list[str], debris: str = "Post a Comment") -> pd.DataFrame:
    """Return the sentences of articles."""
    rows = [(f"a{number}", text) for number, texts in enumerate(articles) for text in texts]
    frame = pd.DataFrame(rows, columns=["article_id", "text"])
    return frame.assign(debris=frame["text"] == debris, sentence_id=[f"s{row}" for row in range(len(frame))])


def grouped(*articles: list[str], how: str = "near") -> list[int]:
    """Return the number of the group of each article."""
    frame = add_groups(corpus(*articles), how, Stages())
    return frame.drop_duplicates("article_id")["article_group"].tolist()


def story(start: int, size: int = 6) -> list[str]:
    """Return the sentences of an article."""
    return [sentence(number) for number in range(start, start + size)]


def test_articles_that_share_a_fifth_of_the_shorter_are_copies_and_a_sentence_of_many_glues_nothing():
    copied, boilerplate = [sentence(0)], ["Follow our correspondents for the latest from the region."]
    assert grouped(story(10, 4) + copied, story(20), story(30, 20) + copied) == [0, 1, 0]
    assert grouped(story(10, 20) + copied, story(40, 20) + copied) == [0, 1]
    assert grouped(*(story(10 * number) + boilerplate for number in range(8))) == list(range(8))


def test_articles_of_one_template_are_copies_however_many_they_are():
    reports = [
        [f"Gold rose {day} dollars on the exchange.", f"Silver closed at {day + 20} after a slow day."]
        for day in range(300)
    ]
    assert grouped(*reports, story(10), how="exact") == [0] * 300 + [300]
    assert grouped(*reports, story(10), how="off") == list(range(301))


def test_debris_makes_no_copies():
    assert grouped(
        [sentence(0), "Post a Comment"], [sentence(1), "Post a Comment"], ["Post a Comment", sentence(2)]
    ) == [0, 1, 2]


def test_articles_are_grouped_by_way_of_others():
    assert group_articles(np.array([0, 1, 1, 2, 3]), np.array([0, 0, 2, 2, 4]), np.full(5, 50)).tolist() == [0, 0, 0, 3]


# ---- splits


def pairs(count: int) -> pd.DataFrame:
    """Return articles of one sentence each, of which each second one is a copy of the one before; and single ones."""
    twice = [
        [text.replace("the ", "the old ", 1)] if copy else [text]
        for number in range(count)
        for copy in (0, 1)
        for text in [sentence(number * 7)]
    ]
    single = [[sentence(number * 7 + 1)] for number in range(count)]
    return add_groups(corpus(*twice, *single), "near", Stages())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("splitter", [ByArticle, Random])
def test_copies_are_on_one_side_of_a_split_that_keeps_its_shares(splitter, seed):
    data = pairs(40)
    Y = np.random.default_rng(seed).random((len(data), 2)) < 0.4
    parts = splitter(seed=seed)(data, Y)
    assert count_copies(list_copies(data.assign(split=parts)))["copied_sentences"] >= 70
    assert all(len(set(parts[data["sentence_group"] == group])) == 1 for group in data["sentence_group"])
    assert abs((parts == "test").mean() - 0.2) < 0.05
    without = splitter(seed=seed, duplicates="off")(add_groups(data, "off", Stages()), Y)
    assert any(len(set(without[data["sentence_group"] == group])) > 1 for group in data["sentence_group"])


@pytest.mark.parametrize("splitter", [ByArticle, Random])
def test_without_copies_a_split_is_the_one_that_it_was(splitter):
    data = corpus(*(story(10 * number) for number in range(12)))
    Y = np.random.default_rng(0).random((len(data), 3)) < 0.3
    assert (splitter(seed=3)(add_groups(data, "near", Stages()), Y) == splitter(seed=3)(data, Y)).all()


def test_by_time_a_copy_is_of_the_time_of_the_first():
    data = corpus(*([sentence(number * 7)] for number in range(9)), [sentence(0)])
    data["published"] = [f"2024-01-{day + 1:02d}" for day in range(10)]
    parts = ByTime(dev=0.2, test=0.3)(add_groups(data, "near", Stages()), None)
    assert parts.tolist() == ["train"] * 4 + ["dev"] * 2 + ["test"] * 3 + ["train"]
    assert ByTime(dev=0.2, test=0.3)(add_groups(data, "off", Stages()), None)[-1] == "test"


def test_a_group_of_more_than_half_is_taken_apart_and_too_few_groups_are_told():
    data = corpus(*([f"They met {number} times in the harbour."] for number in range(9)), story(10))
    frame = add_groups(data, "near", Stages())
    assert len(set(frame["article_group"])) == 2
    assert len(set(article_groups(frame))) == 10
    assert len(set(sentence_groups(frame))) == len(frame)
    few = add_groups(corpus([sentence(0)], [sentence(0)], [sentence(50)], [sentence(50)]), "near", Stages())
    with pytest.raises(InputError, match=r"4 articles, found 2, as copies .* one \(split.duplicates=off\)"):
        ByArticle()(few, np.ones((4, 1), bool))


@pytest.mark.parametrize("splitter", [ByArticle, Random, ByTime, Given])
def test_an_unknown_way_to_look_for_copies_is_refused(splitter):
    with pytest.raises(InputError, match=r"split\.duplicates=fuzzy; allowed: near, exact, off"):
        splitter(duplicates="fuzzy")


def test_new_copies_go_to_the_part_of_what_is_kept_and_kept_copies_stay_where_they_were():
    data = add_groups(corpus(*([sentence(number * 7)] for number in (0, 0, 0, 1, 1, *range(2, 14)))), "near", Stages())
    Y = np.random.default_rng(0).random((len(data), 2)) < 0.4
    for splitter in (ByArticle, Random):
        parts = splitter(keep={"a0": "test", "a1": "train", "a4": "dev"})(data, Y)
        assert parts[:5].tolist() == ["test", "train", "train", "dev", "dev"]
        assert splitter(keep={"a0": "test", "a1": "dev"})(data, Y)[:3].tolist() == ["test", "dev", "dev"]
        apart = splitter(keep={"a0": "test", "a1": "dev"}, duplicates="off")(add_groups(data, "off", Stages()), Y)
        assert apart[:2].tolist() == ["test", "dev"]


# ---- datasets


def write(folder, count: int = 24, parts: bool = False) -> SentenceCorpus:
    """Return a reader of articles of two sentences, of which each fourth is an older one with other numbers."""
    rows = []
    for number in range(count):
        source = number - 3 if number % 4 == 3 else number
        for place in (0, 1):
            text = sentence(source * 9 + place).replace("the ", f"the {number + 2} ", 1)
            row = {"article_id": f"a{number}", "text": text, "labels": ["war"] if source % 3 else ["aid"]}
            rows.append(
                row | ({"split": "test" if number % 4 == 3 else "dev" if number % 8 == 1 else "train"} if parts else {})
            )
    (folder / "news.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return SentenceCorpus(str(folder / "news.jsonl"))


@pytest.mark.parametrize("split", [ByArticle(), ByArticle(duplicates="exact"), Random()])
def test_a_dataset_keeps_all_that_was_read_and_lists_what_are_copies(tmp_path, split):
    built = build_dataset(write(tmp_path), Labels(), split, Stages())
    assert built.counts["used"] == len(built.sentences) == 48
    assert (built.copy_leakage.sentences, built.leakage.sentences) == ({"dev": 0, "test": 0}, {"dev": 0, "test": 0})
    counts = {"copied_articles": 12, "article_groups": 6, "copied_sentences": 24, "sentence_groups": 12}
    assert count_copies(built.copies) == counts
    assert report.count_metrics(built)["data/copied_sentences"] == 24
    line = "copies  12 articles in 6 groups, 24 sentences in 12 groups, listed in tables/duplicates.csv; groups of articles in "
    assert f"{line}several parts: {built.copy_leakage.articles}; in train, too: 0 dev" in report.describe_dataset(built)
    check_dataset(built, "train")


def test_a_given_split_stays_and_template_copies_on_both_sides_are_told(tmp_path):
    built = build_dataset(write(tmp_path, parts=True), Labels(), Given(), Stages())
    assert built.leakage == (0, {"dev": 0, "test": 0}, {"dev": 0.0, "test": 0.0})
    assert built.copy_leakage == (6, {"dev": 0, "test": 12}, {"dev": 0.0, "test": 1.0})
    assert (
        "the split leaks, so scores flatter: copies of 6 articles are in another part; "
        "0.0% of test sentences also occur in train, word for word, 100.0% with other numbers or words"
    ) in built.notes
    assert report.count_metrics(built)["leakage/test_copies"] == 12
    off = build_dataset(write(tmp_path, parts=True), Labels(), Given(duplicates="off"), Stages())
    assert (off.copies, off.copy_leakage) == (None, None)
    assert "copies" not in report.describe_dataset(off)


def test_kept_copies_in_several_parts_are_told_as_leakage(tmp_path):
    data = write(tmp_path)
    keep = {f"a{number}": "test" if number % 4 == 3 else "train" for number in range(8)}
    built = build_dataset(data, Labels(), ByArticle(keep=keep), Stages())
    kept = built.sentences.set_index("article_id")["split"]
    assert all(set(kept[[article]]) == {part} for article, part in keep.items())
    assert built.copy_leakage.articles == 2
    assert built.leakage.articles == 0
    told = [note for note in built.notes if note.startswith("the split leaks, so scores flatter: copies of 2 articles")]
    assert len(told) == 1
    assert "8 of 24 articles stay in the part that they had (split.keep)" in built.notes


def test_groups_come_from_the_cache_until_a_text_changes(tmp_path):
    data = corpus(story(0), story(20), story(0))
    folder = Folder(str(tmp_path / "cache"))

    def add(frame, how="near"):
        stages = Stages(folder)
        return add_groups(frame, how, stages)["article_group"].tolist(), stages.notes.get("duplicates")

    first, note = add(data)
    assert (first[0], note) == (first[-1], "made, nothing was kept")
    assert add(data) == (first, "reused")
    assert add(data, "exact")[1] == "made, changed: how"
    assert add(data.assign(text=data["text"].str.upper()))[1] == "made, changed: text"


def test_cross_validation_never_learns_from_a_copy(tmp_path):
    random = np.random.default_rng(0)
    rows = []
    for number in range(60):
        names = ["".join(random.choice(list("adeiklmnorst"), 6)) for _ in range(8)]
        labels = ["war"] * int(random.integers(2))  # of which the text says nothing, but a copy does
        for day in (1, 2):
            text = f"On day {day} they named {' '.join(names)}."
            rows.append({"article_id": f"{number} {day}", "text": text, "labels": labels})
    (tmp_path / "news.jsonl").write_text("\n".join(map(json.dumps, rows)))

    def precision_out_of_fold(how):
        data, split = SentenceCorpus(str(tmp_path / "news.jsonl")), ByArticle(dev=0, duplicates=how)
        built = build_dataset(data, Labels(), split, Stages())
        fitted = fit_model(built, TrainSettings(data=data, labels=Labels(), split=split), Stages())
        train = built.rows("train")
        return average_precision(built.Y[train, 0], fitted.probabilities[train, 0])

    assert precision_out_of_fold("off") > 0.8
    assert precision_out_of_fold("near") < 0.6


# ---- out of core


def test_out_of_core_exact_copies_of_an_article_get_its_part_in_later_chunks_too():
    data = corpus(*(story(7 * number, 2) for number in range(30)))
    copies = data.assign(article_id="copy of " + data["article_id"], text=data["text"].str.upper() + " ")
    split, alone = ChunkSplit(ByArticle(seed=1)), ChunkSplit(ByArticle(seed=1, duplicates="off"))
    chunks = [data.iloc[:20], data.iloc[20:], copies]
    parts = [split(chunk)["split"].tolist() for chunk in chunks]
    assert parts[0] + parts[1] == parts[2]
    apart = [alone(chunk)["split"].tolist() for chunk in chunks]
    assert apart[0] + apart[1] == parts[2] != apart[2]
