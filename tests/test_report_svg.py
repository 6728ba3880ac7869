"""Plots are well-formed SVG whatever they are of, hold no script, and draw what is in the data."""

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugline.report.svg import Axis, Panel, picture
from slugline.report.svg_text import shorten

SVG = "{http://www.w3.org/2000/svg}"
ODD = [
    "<script>alert(1)</script>",
    "\"quotes\" & 'more' ]]> <!--",
    "control \x00 \x1b[2J \x9b and \ud800 a lone surrogate \ufffe",
    "وقف إطلاق النار بين الطرفين في المنطقة الحدودية الشمالية",
    "停火协议与人道主义援助走廊的谈判进展情况和后续安排问题",
    "a" * 10_000,
    "e" + "\u0301" * 10_000,
    "",
]


def parse(panel: Panel) -> ElementTree.Element:
    """Return a panel as a file of its own."""
    return ElementTree.fromstring(picture("Caption", [("one", "line")], [panel]))


def drawn(panel: Panel, css: str) -> list[list[tuple[int, int]]]:
    """Return the points of each part of the lines of a class."""
    parts = []
    for path in parse(panel).iter(f"{SVG}path"):
        if path.get("class") == f"line {css}" and "l" in path.get("d"):
            for part in path.get("d").split("M")[1:]:
                start, moves = part.split("l")
                steps = np.array([start.split(), *np.reshape(moves.split(), (-1, 2))], int)
                parts.append([tuple(point) for point in np.cumsum(steps, axis=0).tolist()])
    return parts


def plot(title: str = "topic") -> Panel:
    """Return an empty panel from 0 to 1."""
    return Panel(title, Axis(0, 1, "x"), Axis(0, 1, "y"), left=100, height=400)


@pytest.mark.parametrize("name", ODD)
def test_any_name_makes_a_well_formed_picture_without_a_script(name):
    panel = Panel(name, Axis(0, 1, name, [(0.5, name)]), Axis(2, 0, name, ()), left=200)
    panel.bars([name, "other"], np.array([0.5, 1.0]), "bar")
    root = ElementTree.fromstring(picture(name, [("one", name)], [panel] * 4))
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names <= {"svg", "g", "title", "style", "text", "path", "rect", "circle"}
    attributes = {attribute for element in root.iter() for attribute in element.attrib}
    assert not [attribute for attribute in attributes if attribute.startswith("on") or "href" in attribute]


@given(st.text(st.characters(exclude_categories=())))
@example("two\r\nlines")
def test_any_text_makes_a_well_formed_panel_that_names_all_of_it(name):
    title = parse(Panel(name, Axis(0, 1), Axis(0, 1))).find(f"{SVG}g/{SVG}title").text or ""
    assert len(title) == len(name)  # what XML cannot hold is replaced, one for one


def test_a_long_name_is_cut_and_stands_in_full_where_it_is_pointed_at():
    name = "ceasefireviolationsalongthelineofcontrol"
    title = next(text for text in parse(plot(name)).iter(f"{SVG}text") if text.get("class") == "title")
    assert title.find(f"{SVG}title").text == name
    assert title.find(f"{SVG}title").tail == shorten(name, 0.8 * 480)
    assert title.find(f"{SVG}title").tail.endswith("…")
    first, second = (
        text.text
        for text in parse(plot("ceasefire violations along the line of control")).iter(f"{SVG}text")
        if text.get("class") == "title"
    )
    assert f"{first} {second}" == "ceasefire violations along the line of control"
    assert shorten("停火协议", 66) == "停火…"  # wide characters
    assert shorten("e\u0301" * 9, 60) == "e\u0301" * 4 + "…"  # a letter keeps its marks
    assert shorten("two\n  lines", 500) == "two lines"


def test_a_line_goes_through_its_points_and_breaks_where_one_is_missing():
    panel = plot()
    panel.line(np.array([0, 0.5, 1, 1]), np.array([0, 1, math.nan, 0.5]), "one")
    left, right, top, bottom = 100, 500, 48, 400 - 74
    assert drawn(panel, "one") == [[(left, bottom), (300, top)], [(right, (top + bottom) // 2)] * 2]


def test_steps_have_each_value_from_the_place_before_on():
    panel = plot()
    panel.steps(np.array([0, 0.5, 1]), np.array([1, 1, 0]), "one")
    assert drawn(panel, "one") == [[(100, 48), (300, 48), (300, 326), (500, 326)]]


def test_a_line_of_many_points_is_small_and_reaches_as_high_and_as_low():
    random = np.random.default_rng(0)
    x, y = np.linspace(0, 1, 100_000), random.uniform(0.2, 0.8, 100_000)
    y[70_000], y[30_000] = 1, 0
    panel = plot()
    panel.line(x, y, "one")
    ((*points,),) = drawn(panel, "one")
    assert (380, 48) in points
    assert (220, 326) in points
    assert len(panel.content) < 20_000
    straight = plot()
    straight.line(x, x, "one")
    assert len(drawn(straight, "one")[0]) < 900


def test_values_beyond_an_axis_are_drawn_at_its_end():
    panel = plot()
    panel.points(np.array([-1.0, 2.0, math.nan]), np.array([2.0, -1.0, 0.5]), "dot")
    dots = [(dot.get("cx"), dot.get("cy")) for dot in parse(panel).iter(f"{SVG}circle")]
    assert dots == [("100", "48"), ("500", "326")]


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [
        ((0, 1), ["0", "0.25", "0.5", "0.75", "1"]),
        ((0, 0.37), ["0", "0.1", "0.2", "0.3"]),
        ((-2, 12), ["0", "5", "10"]),
        ((0, 1234), ["0", "500", "1000"]),
        ((3, 3), ["3"]),
    ],
)
def test_ticks_are_round_numbers(ends, ticks):
    assert [text for _, text in Axis(*ends).marks()] == ticks


def test_the_same_data_make_the_same_bytes_and_nothing_is_loaded():
    texts = set()
    for _ in range(2):
        panel = plot()
        panel.line(np.array([0.1, 0.2]), np.array([0.3, 0.4]), "one")
        texts.add(picture("Caption", [], [panel]))
    (text,) = texts
    assert "url(" not in text
    assert text.count("http") == 1  # the name space
    assert "prefers-color-scheme: dark" in text


def test_panels_stand_three_in_a_row():
    root = ElementTree.fromstring(picture("Caption", [], [plot()] * 7))
    places = [group.get("transform") for group in root.iter(f"{SVG}g") if "translate" in group.get("transform")]
    assert [place.split()[0] for place in places] == [f"translate({x}" for x in (0, 520, 1040, 0, 520, 1040, 0)]
    assert root.get("viewBox").split()[2] == "1560"
