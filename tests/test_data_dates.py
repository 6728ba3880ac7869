"""Dates: as people and machines write them, read as ISO 8601, never guessed and never dropped in silence."""

import json

import pandas as pd
import pytest

from slugline.data import ArticleCorpus, SentenceCorpus
from slugline.data.dates import count_dates, is_date, parse_date, standardise_dates
from slugline.data.month_names import MONTHS
from slugline.data.opening import ReadOptions
from slugline.errors import InputError

WRITTEN = {
    "2023-12-01": "2023-12-01",
    "2024-03-05T10:00:00Z": "2024-03-05T10:00:00Z",
    "2024-03-05 10:00:00": "2024-03-05 10:00:00",
    "2024": "2024",
    "2024-03": "2024-03",
    "2024-3-5": "2024-03-05",
    "2024/03/05": "2024-03-05",
    "20240305": "2024-03-05",
    "1-Dec-23": "2023-12-01",
    "1 Sept 2023": "2023-09-01",
    "5th of March, 2024": "2024-03-05",
    "March 5, 2024 10:30 AM": "2024-03-05T10:30:00",
    "27.02.2024": "2024-02-27",
    "03.04.2024": "2024-04-03",
    "13/04/2024": "2024-04-13",
    "04/13/2024": "2024-04-13",
    "03/03/2024": "2024-03-03",
    "Tue, 5 Mar 2024 10:00 GMT": "2024-03-05T10:00:00+00:00",
    "Tue, 5 Mar 2024 10:00:00 EST": "2024-03-05T10:00:00-05:00",
    "Tue Mar 05 10:00:00 +0000 2024": "2024-03-05T10:00:00+00:00",
    "1709632800": "2024-03-05T10:00:00+00:00",
    "1709632800.0": "2024-03-05T10:00:00+00:00",
    "1709632800000": "2024-03-05T10:00:00+00:00",
}
NO_DATES = ["soon", "May", "10", "10:30", "March 2024", "Monday", "2024-02-30", "20241305", "13/14/2024", "-5", "1e5"]
NO_DATES += ["", "5 March 2024 10:00 XYZ", "9" * 30, "\0", "2024-03-05 25:00:00", "Updated: 5 March 2024"]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_date_is_read_in_each_way_of_writing_it(text):
    assert parse_date(text) == WRITTEN[text]


@pytest.mark.parametrize("text", NO_DATES)
def test_what_lacks_year_month_or_day_is_no_date(text):
    assert parse_date(text) is None


def test_what_counts_as_a_date_is_one_for_pandas_too():
    dates = pd.Series(list(WRITTEN.values()))
    assert dates.map(is_date).all()
    assert pd.to_datetime(dates, format="ISO8601", utc=True).notna().all()


def read(cells, dates=None):
    """Return the dates of rows with these cells."""
    rows = ((f"n.csv:{line}", {"when": cell}) for line, cell in enumerate(cells, start=2))
    return [row["when"] for _, row in standardise_dates(rows, "when", ReadOptions(dates=dates), "data.path")]


def test_other_dates_tell_which_is_the_day():
    assert read(["03/04/2024", None, "25/04/2024"]) == ["2024-04-03", None, "2024-04-25"]
    assert read(["03/04/2024", "soon", "04/25/2024"]) == ["2024-03-04", "soon", "2024-04-25"]


def test_without_a_date_that_tells_both_readings_are_named():
    with pytest.raises(InputError) as caught:
        read(["2024-01-01", "03/04/2024", "05/06/2024"])
    assert str(caught.value) == (
        "n.csv:3: when is '03/04/2024', and no other date tells which is the day: "
        "2024-04-03 with data.dates=day_first or 2024-03-04 with data.dates=month_first"
    )
    assert read(["03/04/2024"], "day_first") == ["2024-04-03"]
    assert read(["03/04/2024"], "month_first") == ["2024-03-04"]


def test_dates_of_both_orders_are_refused_until_told_how_to_read_them():
    with pytest.raises(InputError, match=r"n\.csv:3: when is '12/25/2024', which has another order .* '25/12/2024'"):
        read(["25/12/2024", "12/25/2024"])
    assert read(["25/12/2024", "12/25/2024"], "day_first") == ["2024-12-25", "2024-12-25"]
    with pytest.raises(InputError, match=r"data\.dates=european; allowed: day_first, month_first"):
        read(["2024"], "european")


def test_numbers_of_json_are_seconds_since_1970_and_nothing_else_is_touched():
    cells = [1709632800, 1709632800.0, True, 7, {"year": 2024}]
    assert read(cells) == ["2024-03-05T10:00:00+00:00"] * 2 + cells[2:]


def test_dates_that_are_not_understood_stay_as_they_are_and_are_counted():
    assert read(["soon", "1-Dec-23"]) == ["soon", "2023-12-01"]
    assert count_dates(["soon", "2023-12-01", None]) == {"dated": 1, "undated": 1}


def test_articles_sentences_and_their_metadata_have_their_dates_standardised(tmp_path):
    articles, sentences, bare = tmp_path / "a.jsonl", tmp_path / "s.csv", tmp_path / "bare.csv"
    articles.write_text(json.dumps({"article_id": "a", "text": "Rain.", "published": "1-Dec-23"}) + "\n")
    sentences.write_text("text,labels,article_id,date\nRain.,x,a,1-Dec-23\nWind.,y,b,2-Dec-23\n")
    bare.write_text("text,labels,article_id\nRain.,x,a\nWind.,y,a\n")
    assert ArticleCorpus(str(articles))().articles["published"].tolist() == ["2023-12-01"]
    assert SentenceCorpus(str(sentences))().articles["published"].tolist() == ["2023-12-01", "2023-12-02"]
    assert SentenceCorpus(str(bare), articles=str(articles))().articles["published"].tolist() == ["2023-12-01"]


@pytest.mark.parametrize(
    "text",
    [
        "5. März 2024",
        "Dienstag, 5. Maerz 2024".replace("ae", "ä"),
        "1er mars 2024",
        "5 de marzo de 2024",
        "5 de março de 2024",
        "martedì 5 marzo 2024",
        "5 mrt. 2024",
        "5 марта 2024 г.",
        "٥ مارس ٢٠٢٤",
        "5 آذار 2024",
        "2024年3月5日",
        "५ मार्च 2024",
    ],
)
def test_months_are_understood_in_the_languages_of_newsrooms(text):
    assert parse_date(text) == ("2024-03-01" if text.startswith("1") else "2024-03-05")


def test_no_name_is_that_of_two_months_and_each_is_understood():
    names = [(name, number) for number, all_names in enumerate(MONTHS.values(), 1) for name in all_names.split()]
    for name, number in names:
        assert parse_date(f"5 {name.replace('_', ' ')} 2024") == f"2024-{number:02}-05", name


def test_dates_in_english_keep_their_zones_and_what_is_no_date_stays_none():
    assert parse_date("Sun, 3 Sept 2023 10:00 EST") == "2023-09-03T10:00:00-05:00"
    assert [parse_date(text) for text in ("mar 5 mar 2024", "juin 2024", "de", "demain", "5 mars")] == [None] * 5
