"""A split keeps articles whole, its proportions, and every topic in every part; and says how far it leaks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugline.data.sentences import normal_form
from slugline.errors import InputError
from slugline.splits import (
    PARTS,
    ByArticle,
    ByTime,
    Given,
    Random,
    count_labels,
    describe_kept,
    measure_leakage,
    read_parts,
    stratify,
)
from slugline.spreadsheets import write_table


def frame(articles, **columns):
    """Return sentences of articles, no two alike."""
    return pd.DataFrame({"article_id": articles, "text": [f"sentence {n}" for n in range(len(articles))], **columns})


def news(seed, articles=60, rates=(0.3, 0.1, 0.05, 0.02)):
    """Return articles of 1 to 14 sentences as (article of each sentence, labels); the last topic in three articles alone."""
    random = np.random.default_rng(seed)
    ids = np.repeat(np.arange(articles), random.integers(1, 15, articles))
    Y = random.random((len(ids), len(rates) + 1)) < np.array([*rates, 0.0])
    for article in random.choice(articles, 3, replace=False):
        Y[np.flatnonzero(ids == article)[0], -1] = True
    return ids, Y


def leakage_of(sentences, parts):
    """Return how far a split of sentences leaks."""
    keys = sentences["text"].map(normal_form).to_numpy(object)
    return measure_leakage(keys, parts, sentences["article_id"].to_numpy())


# ---- by article, and at random


@pytest.mark.parametrize("seed", range(12))
def test_a_split_by_article_keeps_articles_whole_shares_and_every_topic_everywhere(seed):
    ids, Y = news(seed)
    parts = ByArticle(dev=0.1, test=0.2, seed=seed)(frame(ids), Y)
    assert all(len(set(parts[ids == article])) == 1 for article in set(ids))
    assert abs((parts == "test").mean() - 0.2) < 0.06
    assert abs((parts == "dev").mean() - 0.1) < 0.06
    for topic in Y.T:
        if len(set(ids[topic])) >= 3:
            assert {part for part in PARTS if topic[parts == part].any()} == set(PARTS)


@settings(deadline=None)
@given(st.lists(st.sampled_from([(0,), (1,), (2,), ()]), min_size=4, max_size=30), st.integers(0, 99))
def test_a_topic_of_three_articles_is_in_all_three_parts_where_articles_have_one_topic(topics, seed):
    Y = np.array([[topic in found for topic in range(3)] for found in topics])
    parts = ByArticle(seed=seed)(frame(np.arange(len(topics))), Y)
    for topic in Y.T:
        if topic.sum() >= 3:
            assert {part for part in PARTS if topic[parts == part].any()} == set(PARTS)


def test_topics_that_share_articles_are_seldom_missing_where_they_could_be():
    missing = total = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        Y = random.random((random.integers(4, 25), 6)) < 0.3
        parts = ByArticle(seed=seed)(frame(np.arange(len(Y))), Y)
        for topic in Y.T[Y.sum(axis=0) >= 3]:
            total += 1
            missing += {part for part in PARTS if topic[parts == part].any()} != set(PARTS)
    assert missing < 0.03 * total  # articles with a topic of one or two articles stay in train


@pytest.mark.parametrize("splitter", [ByArticle, Random])
def test_a_seed_gives_one_split_and_another_seed_another(splitter):
    ids, Y = news(0)
    first, again, other = (splitter(seed=seed)(frame(ids), Y) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_random_split_keeps_shares_and_topics_and_divides_articles():
    ids, Y = news(3)
    parts = Random(dev=0.1, test=0.2)(frame(ids), Y)
    for column in [*Y.T[:3], np.ones(len(Y), dtype=bool)]:
        assert abs((parts[column] == "test").mean() - 0.2) < 0.05
    assert leakage_of(frame(ids), parts).articles > 20


def test_a_part_that_is_not_wanted_is_empty():
    ids, Y = news(4)
    assert set(ByArticle(dev=0, test=0.3)(frame(ids), Y)) == {"train", "test"}
    assert set(ByArticle(dev=0, test=0)(frame(ids), Y)) == {"train"}


def test_four_articles_are_enough_for_all_parts_and_three_are_not():
    assert set(ByArticle()(frame(list("abcd")), np.zeros((4, 2), bool))) == set(PARTS)
    with pytest.raises(InputError, match="at least 4 articles, found 3; or use split=random"):
        ByArticle()(frame(list("abcabc")), np.zeros((6, 2), bool))


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.2), (0.1, 1.0), (float("nan"), 0.2), (0.9, 0.2)])
@pytest.mark.parametrize("splitter", [ByArticle, Random, ByTime])
def test_shares_that_leave_nothing_to_train_on_are_refused(splitter, shares):
    with pytest.raises(InputError, match="allowed: from 0, and below 1 together"):
        splitter(dev=shares[0], test=shares[1])


@pytest.mark.parametrize(
    "groups", [[0, 5, 5, 9], [9, 0, 9, 0], [-3, 7, 7, 10**9], ["b", "a", "b", "c"], [1.5, 1.5, 2.5, 3.5]]
)
def test_stratifying_ends_whatever_the_names_of_the_groups(groups):
    part = stratify(np.eye(4, 2, dtype=bool), np.array(groups), [0.5, 0.5], 0)
    assert set(part) == {0, 1}
    assert all(len(set(part[np.array(groups) == group])) == 1 for group in groups)


@pytest.mark.parametrize("shape", [(0, 2), (4, 0), (0, 0), (1, 1)])
def test_stratifying_ends_on_hardly_any_data(shape):
    assert len(stratify(np.ones(shape, bool), np.arange(shape[0]), [0.7, 0.2, 0.1], 0)) == shape[0]


# ---- by time


def days(*dates):
    """Return two sentences of an article for each date."""
    return frame(np.repeat(np.arange(len(dates)), 2), published=np.repeat(np.array(dates, dtype=object), 2))


def test_a_split_by_time_trains_on_the_earliest_and_tests_on_the_latest():
    dates = [f"2016-{month:02d}-01" for month in range(1, 11)]
    parts = ByTime(dev=0.2, test=0.3)(days(*dates), None)
    assert parts[::2].tolist() == ["train"] * 5 + ["dev"] * 2 + ["test"] * 3
    backwards = ByTime(dev=0.2, test=0.3)(days(*dates[::-1]), None)
    assert backwards.tolist() == parts[::-1].tolist()


def test_dates_with_and_without_time_and_zone_are_put_in_one_order():
    dates = ["2016-01-01", "2016-02-01T10:00:00", "2016-02-01T13:00:00+05:00", "2016-02-01T09:00:00Z", "20160301"]
    assert ByTime(dev=0.2, test=0.2)(days(*dates), None)[::2].tolist() == ["train", "dev", "train", "train", "test"]


def test_articles_of_one_moment_stay_together():
    parts = ByTime(dev=0, test=0.7)(days("2016-01-01", "2016-01-02", "2016-01-03", "2016-01-03", "2016-01-03"), None)
    assert parts[::2].tolist() == ["train"] * 2 + ["test"] * 3


@settings(deadline=None)
@given(st.integers(5, 60), st.data())
def test_shares_by_time_are_exact_where_every_date_is_another(count, data):
    test = data.draw(st.integers(1, count - 2))
    dev = data.draw(st.integers(0, count - 1 - test))
    published = [day.isoformat() for day in pd.date_range("2016-01-01", periods=count)]
    parts = ByTime(dev=dev / count, test=test / count)(frame(np.arange(count), published=published), None)
    assert ((parts == "test").sum(), (parts == "dev").sum()) == (test, dev)


def test_a_latest_moment_too_large_to_test_on_is_an_error_not_an_empty_test():
    with pytest.raises(InputError, match=r"the latest moment holds 50% of the sentences.*split\.test=0\.2"):
        ByTime()(days("2016-01-01", "2016-01-02"), None)


@pytest.mark.parametrize("date", [None, "", "yesterday", "06/10/2016", "2016-13-01"])
def test_an_article_without_a_date_is_named(date):
    with pytest.raises(InputError, match=r"split=time: article 1 has no date .*allowed: ISO 8601, such as 2016-10-06"):
        ByTime()(days("2016-01-01", date), None)


def test_data_without_dates_cannot_be_split_by_time():
    with pytest.raises(InputError, match="has no date"):
        ByTime()(frame(["a", "b"]), None)


# ---- parts of before


def write_parts(file, ids, parts, column="article_id"):
    """Write which article, or sentence, is in which part."""
    pd.DataFrame({column: ids, "split": parts}).drop_duplicates().to_csv(file, index=False)


@pytest.mark.parametrize("seed", range(6))
def test_articles_stay_in_their_part_whatever_becomes_of_the_labels_and_new_ones_fill_the_shares(tmp_path, seed):
    ids, Y = news(seed)
    old = ids < 40
    before = ByArticle(seed=seed)(frame(ids[old].astype(str)), Y[old])
    write_parts(tmp_path / "split.csv", ids[old], before)
    merged = np.column_stack([Y[:, 0] | Y[:, 1], Y[:, 3]])
    keep = ByArticle(seed=seed + 1, keep=str(tmp_path / "split.csv"))
    after = keep(frame(ids.astype(str)), merged)
    assert (after[old] == before).all()
    assert (ByArticle(seed=seed)(frame(ids[old].astype(str)), merged[old]) != before).any()  # without keep
    assert all(len(set(after[ids == article])) == 1 for article in set(ids))
    assert abs((after == "test").mean() - 0.2) < 0.06
    assert describe_kept(keep, frame(ids.astype(str))) == [
        "40 of 60 articles stay in the part that they had (split.keep)"
    ]


def test_ids_that_a_run_wrote_with_an_apostrophe_are_known_again(tmp_path):
    ids = ["-a", "@b", "=c", "'=d", "007", "e"]
    write_table(pd.DataFrame({"article_id": ids, "split": ["test", "dev"] * 3}), tmp_path / "split.csv")
    assert read_parts(str(tmp_path / "split.csv")) == dict(zip(ids, ["test", "dev"] * 3, strict=True))
    (tmp_path / "own.csv").write_text("split,article_id\ntest,'-a\n")
    assert read_parts(str(tmp_path / "own.csv")) == {"'-a": "test"}


def test_a_part_without_a_share_keeps_the_articles_that_it_had(tmp_path):
    write_parts(tmp_path / "split.csv", list("ab"), ["validation", "test"])
    parts = ByArticle(dev=0, test=0, keep=str(tmp_path / "split.csv"))(frame(list("abcd")), np.ones((4, 1), bool))
    assert parts.tolist() == ["dev", "test", "train", "train"]


def test_sentences_of_a_random_split_stay_in_their_part(tmp_path):
    ids, Y = news(1)
    sentences = frame(ids.astype(str), sentence_id=[f"s{n}" for n in range(len(ids))])
    before = Random()(sentences, Y)
    write_parts(tmp_path / "split.csv", sentences["sentence_id"], before, "sentence_id")
    keep = str(tmp_path / "split.csv")
    assert (Random(seed=9, keep=keep)(sentences, Y[:, :1]) == before).all()
    with pytest.raises(InputError, match=r"split\.keep: article \d+ is in several parts there; allowed: split=random"):
        ByArticle(keep=keep)(sentences, Y)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,split\na,test\n", "found id, split; allowed: article_id or sentence_id, and split"),
        ("article_id,split\na,tset\n", "found 'tset'; allowed: train, dev, test"),
        ("article_id,split\na,test\na,train\n", "article_id a is in train here, and in test before"),
        ("article_id,split\nz,test\n", "it knows none of 4 articles; an id there is 'z', here 'a'"),
        ("", "empty"),
    ],
)
def test_a_file_of_parts_that_cannot_be_kept_is_told_with_its_line(tmp_path, text, message):
    (tmp_path / "split.csv").write_text(text)
    split = ByArticle(keep=str(tmp_path / "split.csv"))
    with pytest.raises(InputError, match=rf"split\.keep.*{message}"):
        describe_kept(split, frame(list("abcd")))


# ---- given


def test_a_given_split_is_taken_as_it_is_under_its_usual_names():
    data = frame(list("abcde"), fold=["train", "validation", "valid", "val", "test"])
    assert Given("fold")(data, None).tolist() == ["train", "dev", "dev", "dev", "test"]


@pytest.mark.parametrize("part", ["Train", "holdout", None, "", "1", float("nan")])
def test_a_given_part_of_another_name_is_refused(part):
    with pytest.raises(InputError, match=r"split.column 'split': found .*; allowed: train, dev, test"):
        Given()(frame(["a", "b"], split=["train", part]), None)


def test_a_given_column_that_is_not_there_is_told_with_what_is():
    with pytest.raises(InputError, match="no column 'fold' in the data; found: article_id, text"):
        Given("fold")(frame(["a"]), None)


# ---- leakage


def test_leakage_counts_articles_on_both_sides_and_sentences_that_stand_in_train():
    texts = ["The truce held.", "Talks end.", "THE truce, held!", "Rain.", "talks  end", "Rain.", "New."]
    data = pd.DataFrame({"article_id": list("aabbccd"), "text": texts}, index=[5, 1, 2, 9, 4, 3, 7])
    parts = np.array(["train", "train", "dev", "test", "test", "test", "test"], dtype=object)
    leakage = leakage_of(data, parts)
    assert leakage.articles == 1  # b
    assert leakage.sentences == {"dev": 1, "test": 1}
    assert leakage.shares == {"dev": 1.0, "test": 0.25}


def test_leakage_is_the_same_by_digests_as_by_texts():
    random = np.random.default_rng(0)
    texts, articles = random.integers(0, 40, 90), random.integers(0, 30, 90)
    parts = np.array(PARTS, dtype=object)[random.integers(0, 3, 90)]
    digests = texts.astype(np.uint64) + np.uint64(2**63)
    by_texts = measure_leakage(texts.astype(str).astype(object), parts, articles.astype(str).astype(object))
    assert measure_leakage(digests, parts, articles.astype(np.uint64)) == by_texts
    assert min(by_texts.articles, *by_texts.sentences.values()) > 0


def test_a_clean_split_and_an_empty_part_leak_nothing():
    leakage = leakage_of(frame(["a", "b"]), np.array(["train", "test"], dtype=object))
    assert leakage == (0, {"dev": 0, "test": 0}, {"dev": 0.0, "test": 0.0})


def test_labels_are_counted_by_part():
    parts = np.array(["train", "train", "test"], dtype=object)
    table = count_labels(np.array([[1, 0], [1, 1], [0, 1]], dtype=bool), parts, ["aid", "war"])
    assert table.to_dict("index") == {
        "aid": {"train": 2, "dev": 0, "test": 0},
        "war": {"train": 1, "dev": 0, "test": 1},
    }
