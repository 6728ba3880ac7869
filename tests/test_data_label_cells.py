"""Cells of labels become topics, whatever way a file spells them, and what is no label is refused with its place."""

import pytest

from slugline.data.label_cells import parse_labels
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
        (float("nan"), ",", None),
    ],
)
def test_labels_are_a_list_a_json_list_or_one_string(value, delimiter, labels):
    assert parse_labels(value, delimiter, "here") == labels


@pytest.mark.parametrize("value", ["[a, b", "[1, 2]", 3, {"a": 1}, [1], [None], [["a"]], True])
def test_what_is_no_list_of_names_is_refused_with_its_place(value):
    with pytest.raises(InputError, match=r"^file:9: labels "):
        parse_labels(value, ",", "file:9")
