"""Several annotators become one answer where they have one, and how far they agree is what Krippendorff computes."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugline.annotate import Annotation, krippendorff_alpha, merge_annotations
from slugline.errors import InputError


def annotation(key, annotator, labels, when=None):
    """Return an annotation; labels are letters, None a skipped sentence."""
    return Annotation(key, None if labels is None else tuple(labels), annotator, when, None, "file:1")


def merged(*annotations, **options):
    """Return what annotators say together of the one sentence that they speak of."""
    table = merge_annotations(annotations, **options)
    assert list(table.columns) == ["sentence_id", "labels", "annotators", "votes", "ties", "resolved"]
    [row] = table.itertuples(index=False)
    return row.labels, row.ties, row.resolved


@pytest.mark.parametrize(
    ("votes", "labels", "ties"),
    [
        (["a"], ("a",), ()),
        ([""], (), ()),
        (["ab", "a", "ac"], ("a",), ()),
        (["ab", "a"], ("a",), ("b",)),
        (["ab", "", "a", "b"], (), ("a", "b")),
        (["ab", "ab", "c", "c"], (), ("a", "b", "c")),
        (["a", "b", "c"], (), ()),
        (["a", None, None], ("a",), ()),
    ],
)
def test_a_topic_is_given_by_more_than_half_and_a_tie_is_left_open(votes, labels, ties):
    annotations = [annotation("s", f"ann{number}", vote) for number, vote in enumerate(votes)]
    assert merged(*annotations) == (labels, ties, not ties)


def test_only_the_latest_answer_of_an_annotator_counts():
    old, new = "2026-01-01T00:00:00+00:00", "2026-01-01T01:30:00+01:00"  # the latter is half an hour later
    assert merged(annotation("s", "x", "b", new), annotation("s", "x", "a", old)) == (("b",), (), True)
    assert merged(annotation("s", "x", "a"), annotation("s", "x", "b")) == (("b",), (), True)
    assert merged(annotation("s", "x", "a", old), annotation("s", "x", None, new)) == ((), (), False)
    with pytest.raises(InputError, match=r"^when: 'soon' is not a time; allowed: ISO 8601$"):
        merge_annotations([annotation("s", "x", "a", "soon"), annotation("s", "x", "a", new)])


def test_each_sentence_has_a_row_with_its_annotators_and_votes():
    table = merge_annotations(
        [annotation("s", "x", "ab"), annotation("t", "y", None), annotation("s", "y", "a"), annotation("s", "z", None)]
    )
    assert table.to_dict("records") == [
        {"sentence_id": "s", "labels": ("a",), "annotators": ("x", "y"), "votes": {"a": 2, "b": 1}}
        | {"ties": ("b",), "resolved": False},
        {"sentence_id": "t", "labels": (), "annotators": (), "votes": {}, "ties": (), "resolved": False},
    ]
    assert merge_annotations([]).empty


@pytest.mark.parametrize(
    ("method", "votes", "verdict", "labels", "ties"),
    [
        ("majority", ["ab", "ac"], "b", ("a", "b"), ()),  # the adjudicator decides what is tied, and that alone
        ("majority", ["ab", "ac"], None, ("a",), ("b", "c")),
        ("majority", ["a", "a"], "b", ("a",), ()),
        ("majority", [], "b", ("b",), ()),
        ("adjudicated", ["a", "a"], "b", ("b",), ()),
        ("adjudicated", ["a", "a", "ab"], None, ("a",), ("b",)),
        ("adjudicated", ["a", "a"], None, ("a",), ()),
        ("adjudicated", ["a", "b"], "", (), ()),
    ],
)
def test_an_adjudicator_decides_ties_or_everything(method, votes, verdict, labels, ties):
    annotations = [annotation("s", f"ann{number}", vote) for number, vote in enumerate(votes)]
    result = merged(*annotations, annotation("s", "judge", verdict), method=method, adjudicator="judge")
    assert result == (labels, ties, not ties)


@pytest.mark.parametrize(
    ("votes", "labels", "ties"),
    [
        (["a", "a", "b"], ("a",), ()),
        (["a", "b"], (), ("a", "b")),
        (["a", "a", "b", "c"], ("a",), ()),
        (["", ""], (), ()),
    ],
)
def test_of_one_topic_each_the_one_with_most_votes_is_given(votes, labels, ties):
    annotations = [annotation("s", f"ann{number}", vote) for number, vote in enumerate(votes)]
    assert merged(*annotations, mode="multiclass") == (labels, ties, len(labels) == 1)
    verdict = {"mode": "multiclass", "adjudicator": "judge"}
    assert merged(*annotations, annotation("s", "judge", "z"), **verdict)[0] == (("z",) if ties else labels)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "vote"}, "resolve: 'vote'; allowed: majority, adjudicated"),
        ({"method": "adjudicated"}, "resolve=adjudicated: no adjudicator; say which annotator decides"),
        ({"mode": "one"}, "mode: 'one'; allowed: multilabel, multiclass"),
    ],
)
def test_another_way_to_merge_is_refused(options, says):
    with pytest.raises(InputError) as error:
        merge_annotations([annotation("s", "x", "a")], **options)
    assert str(error.value) == says


def table(rows):
    """Return annotations of one topic `a`, from a string of 0, 1 and . (nothing) per annotator."""
    return [
        annotation(f"s{unit}", f"ann{number}", "a" if mark == "1" else "")
        for number, row in enumerate(rows)
        for unit, mark in enumerate(row)
        if mark != "."
    ]


def test_alpha_is_that_of_the_worked_example_of_two_observers():
    # Krippendorff (2011), binary data: 10 units, 6 agreed on, o_01 = 4, n_0 = 14, n_1 = 6: 1 - 19 * 4 / (14 * 6)
    alpha = krippendorff_alpha(table(["0100000010", "1110010000"]), ["a"])
    assert alpha["a"] == pytest.approx(0.095, abs=5e-4)
    assert alpha["a"] == pytest.approx(1 - 19 * 4 / (14 * 6))


def test_alpha_of_topics_is_that_of_the_worked_example_of_four_observers_and_missing_data():
    # Krippendorff (2011), nominal data, its five values as five topics of which a sentence has one: the disagreements that
    # are observed and expected add up over topics to those of the values, which give 0.743
    rows = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
    annotations = [
        annotation(f"s{unit}", f"ann{number}", value)
        for number, row in enumerate(rows)
        for unit, value in enumerate(row.split())
        if value != "."
    ]
    alpha = krippendorff_alpha(annotations, "12345")
    counts = pd.Series([value for unit in range(12) for value in pairable(rows, unit)]).value_counts().sort_index()
    expected = counts * (counts.sum() - counts)  # n_c (n - n_c), of each topic
    assert counts.tolist() == [9, 13, 10, 5, 3]
    assert 1 - ((1 - alpha.to_numpy()) * expected.to_numpy()).sum() / expected.sum() == pytest.approx(0.743, abs=5e-4)


def pairable(rows, unit):
    """Return the values of a unit that more than one observer valued."""
    values = [value for row in rows if (value := row.split()[unit]) != "."]
    return values if len(values) > 1 else []


MARKS = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.text("01.", min_size=width, max_size=width), min_size=2, max_size=5)
)


def by_definition(rows):
    """Return alpha from the pairs of values within units, and those of all values, one by one."""
    units = [[mark for mark in column if mark != "."] for column in zip(*rows, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    chance = sum(a != b for a, b in permutations(values, 2))
    return 1 - observed * (len(values) - 1) / chance if chance else np.nan


@given(MARKS)
def test_alpha_is_what_its_definition_gives_pair_by_pair(rows):
    assert krippendorff_alpha(table(rows), ["a"])["a"] == pytest.approx(by_definition(rows), nan_ok=True)


@given(MARKS)
def test_alpha_is_that_of_the_package_krippendorff(rows):
    package = pytest.importorskip("krippendorff", reason="pip install krippendorff")
    ours = krippendorff_alpha(table(rows), ["a"])["a"]
    data = [[np.nan if mark == "." else float(mark) for mark in row] for row in rows]
    if not np.isnan(ours):
        theirs = package.alpha(reliability_data=data, level_of_measurement="nominal")
        assert ours == pytest.approx(theirs)


def test_alpha_takes_the_latest_and_leaves_out_what_was_skipped():
    annotations = table(["0101", "0101"])
    more = [
        annotation("s0", "ann0", "a", "2020-01-01"),
        *annotations,
        annotation("s9", "ann0", None),
        annotation("s9", "ann1", "a"),
    ]
    assert krippendorff_alpha(more, ["a"])["a"] == 1
    assert np.isnan(krippendorff_alpha([], ["a", "b"]).to_numpy()).all()
    assert krippendorff_alpha(annotations, ["a", "b"]).isna().tolist() == [False, True]
