"""Cells of labels become topics, whatever way a file spells them, and what is no label is refused with its place."""

import numpy as np
import pytest

from slugline.data.label_cells import find_delimiter, parse_labels
from slugline.errors import InputError


@pytest.mark.parametrize(
    ("value", "delimiter", "labels"),
    [
        (["a", "b", "a"], ",", ("a", "b")),
        (("a",), ",", ("a",)),
        ('["a", "b c"]', ",", ("a", "b c")),
        (" a , b,, a", ",", ("a", "b")),
        ("a|b,c", "|", ("a", "b,c")),
        ("", ",", ()),
        ([], ",", ()),
        ("[]", ",", ()),
        (None, ",", None),
        *((text, ",", ()) for text in (" ", "NaN", "nan", "None", "NULL", "null", "N/A", "NA", "<NA>", "()", "{}")),
        (3, ",", ("3",)),
        (2.0, ",", ("2",)),
        ("2.0", ",", ("2",)),
        ([1, 2.0], ",", ("1", "2")),
        ("[1, 2]", ",", ("1", "2")),
        ("[1 2]", ",", ("1", "2")),
        (np.array(["a", "b"]), ",", ("a", "b")),
        (np.int64(3), ",", ("3",)),
        ({"b", "a"}, ",", ("a", "b")),
        ("""['a', "b's"]""", ",", ("a", "b's")),
        ("('a',)", ",", ("a",)),
        ("{'b', 'a'}", ",", ("a", "b")),
        ("['a' 'b\\d'\n 'c']", ",", ("a", "b\\d", "c")),
        ("array(['a', 'b'], dtype=object)", ",", ("a", "b")),
        ({"a": 1.0, "b": 0.0, "c": None}, ",", ("a",)),
        ("{'a': True, 'b': False}", ",", ("a",)),
        ("(organised) crime", ",", ("(organised) crime",)),
        ("(organised crime)", ",", ("(organised crime)",)),
        ("a;b", "semicolon", ("a", "b")),
        ("law, order", "none", ("law, order",)),
        (float("nan"), ",", None),
    ],
)
def test_labels_are_a_list_a_json_list_or_one_string(value, delimiter, labels):
    assert parse_labels(value, delimiter, "here") == labels


@pytest.mark.parametrize(
    "value",
    ["[a, b", "{'a' 'b'}", "['a' 'b', 'c']", "[print(1)]", {"a": 0.4}, '{"a": 2}', float("inf"), [None], [["a"]], True],
)
def test_what_is_no_list_of_names_is_refused_with_its_place(value):
    with pytest.raises(InputError, match=r"^file:9: labels "):
        parse_labels(value, ",", "file:9")


@pytest.mark.parametrize(
    ("cells", "delimiter"),
    [
        (["war|aid", "war"], "|"),
        (["war;aid", "peace;talks"], ";"),
        (["war,aid", "war", "aid"], ","),
        (["war, aid", "aid, talks", "war"], ","),
        (["x,y", '["x"]', ("y",)], ","),
        (["law, order", "sport", "economy"], None),
        (["law, order"], None),
        (["arts, culture|sport", "arts, culture"], "|"),
        (["a", "b", "['a', 'b']", "", "NaN", None], None),
    ],
)
def test_what_stands_between_labels_is_found_from_the_whole_column(cells, delimiter):
    assert find_delimiter(cells) == delimiter
