"""Cleaning by steps: each can be switched, is counted and listed, and leaves the text of the others as it is."""

import json

import pandas as pd
import pytest
from conftest import run_slugline
from ftfy import TextFixerConfig, fix_text
from hypothesis import given
from hypothesis import strategies as st

from slugline.data import ArticleCorpus
from slugline.data.boilerplate import find_boilerplate, list_cleaned
from slugline.data.cleaning import _FTFY, DEFAULT_STEPS, STEPS, TEXT_STEPS, clean, cleaning_steps
from slugline.data.corpus import split_articles
from slugline.data.debris import DEBRIS_STEPS, debris_step
from slugline.data.sentences import split_text
from slugline.errors import InputError

DIRTY = {
    "mojibake": ("The ministerâ€™s cafÃ© closed.", "The minister’s café closed."),
    "html_entities": ("Salt &amp; bread ran out.", "Salt & bread ran out."),
    "control_characters": ("The \x1b[31mtruce\x00\x07 held.", "The truce held."),
    "character_width": ("ＮＡＴＯ ﬁred shells.", "NATO fired shells."),
    "soft_hyphens": ("The cease\xadfire held.", "The ceasefire held."),
    "html_tags": (
        "<style>p {}</style><p>Shells <b>fell</b>.</p><p>Two < five.<br/>Rain <!-- no --> fell.</p>",
        "\nShells fell.\n\nTwo < five.\nRain  fell.\n",
    ),
}
DEBRIS = {
    "no_letters": ["***", "— 12 —", "2", "14:05"],
    "comments": ["Post a Comment", "12 Kommentare", "Comentarios (3)", "التعليقات", "评论", "Laisser un commentaire"],
    "links": [
        "Share this on Facebook",
        "Leer más",
        "Lesen Sie auch:",
        "اقرأ أيضا:",
        "यह भी पढ़ें:",
        "阅读更多",
        "Publicité",
    ],
    "bylines": [
        "Posted by John at 5:03 PM",
        "By Ana Brook",
        "Por Luis Orta y Ana Peña",
        "Von Kurt Brandt",
        "By Ana Brook, Staff Writer",
    ],
    "captions": ["Photo: AP", "Foto: Archiv", "صورة: الوكالة", "图片来源：本社", "Bild: dpa"],
    "notices": [
        "© 2020 Reuters, all rights reserved.",
        "Alle Rechte vorbehalten.",
        "版权所有",
        "This story is from March 3, 2002",
    ],
    "datelines": ["lucknow:", "NEW DELHI, March 3 (Reuters) -"],
    "live_blog_stamps": ["10.32am", "14:05 GMT", "5 min ago", "Updated at 5.03pm", "2 hours ago", "17:30 Uhr"],
}
NEWS = [
    "By Monday the town had fallen.",
    "By Ana’s account, nobody fired.",
    "Von Kurt hörte niemand etwas.",
    "Por la tarde llovió.",
    "Fotos fehlen.",
    "评论员说停火有效。",
    "Anzeige erstattete die Stadt.",
    "Compartir el pan es difícil.",
    "Two hours ago the truce ended.",
    "An hour ago shells fell.",
    "At 14:05 GMT shells fell.",
    "المصدر لم يتكلم.",
]


@pytest.mark.parametrize("step", TEXT_STEPS)
def test_a_step_changes_the_text_that_it_is_for_and_says_so(step):
    dirty, good = DIRTY[step]
    assert clean(dirty, {step}) == (good, {step})
    assert clean(good, {step}).text == good


@pytest.mark.parametrize("step", TEXT_STEPS)
def test_a_step_that_is_off_leaves_its_text_alone(step):
    dirty, _ = DIRTY[step]
    cleaned = clean(dirty, set(TEXT_STEPS) - {step})
    assert step not in cleaned.steps
    assert cleaned.text != clean(dirty, TEXT_STEPS).text


@given(
    st.lists(
        st.sampled_from(
            [
                "â€™",
                "&amp;",
                "<b>",
                "\r\n",
                "\x07",
                "Ａ",
                "ﬁ",
                "\xad",
                "e\u0301",
                "\ud83d\ude00",
                "\ud800",
                "\x85",
                "the ",
            ]
        )
        | st.characters()
    ).map("".join)
)
def test_by_default_a_text_is_cleaned_as_ftfy_does_it(text):
    assert clean(text).text == fix_text(text, TextFixerConfig(uncurl_quotes=False, normalization="NFC"))


def misread(text):
    """Return UTF-8 that was read as Windows-1252."""
    return text.encode(errors="surrogatepass").decode("sloppy-windows-1252")


@given(
    st.lists(
        st.sampled_from(
            [*map(misread, "’“”–…é\xa0Ａ𝐀\n"), "\n", " ", "\xa0", "\x81", "Â", "’", "?", "&lt;", "<", "the truce "]
        )
        | st.characters().map(misread)
    ).map("".join),
    st.sets(st.sampled_from(TEXT_STEPS[:4])),
)
def test_misread_text_is_mended_as_ftfy_does_it(text, steps):
    off = {action: False for step, actions in _FTFY.items() if step not in steps for action in actions}
    assert clean(text, steps).text == fix_text(text, TextFixerConfig(uncurl_quotes=False, normalization="NFC", **off))


@pytest.mark.parametrize(("step", "text"), [(step, text) for step, texts in DEBRIS.items() for text in texts])
def test_a_step_marks_its_debris_and_does_not_where_it_is_off(step, text):
    assert debris_step(text) == step
    assert debris_step(text, {step}) == step
    assert [one.debris for one in split_text(text, language="en")] == [True]
    assert not any(one.debris for one in split_text(text, language="en", steps=frozenset()))


@pytest.mark.parametrize("text", NEWS)
def test_news_that_begins_like_debris_is_none(text):
    assert debris_step(text) is None


def test_all_steps_are_tested():
    assert {*DIRTY, *DEBRIS, "boilerplate"} == {*STEPS}
    assert set(DEBRIS) == {*DEBRIS_STEPS}


def test_steps_are_switched_by_name():
    assert cleaning_steps({}) == DEFAULT_STEPS
    assert cleaning_steps({"html_tags": True, "links": False}) == DEFAULT_STEPS - {"links"} | {"html_tags"}
    for switches, message in (
        ({"html": True}, "data.cleaning: unknown step 'html'; allowed: mojibake, html_entities"),
        ({"links": "no"}, "data.cleaning.links=no; allowed: true or false"),
        (["links"], "data.cleaning: found"),
    ):
        with pytest.raises(InputError, match=message):
            cleaning_steps(switches)


def articles(*texts, sources=None):
    """Return a frame of articles."""
    ids = [f"a{number}" for number in range(len(texts))]
    columns = dict.fromkeys(["title", "published", "url"]) | {
        "language": "en",
        "source": sources or [None] * len(texts),
    }
    return pd.DataFrame({"article_id": ids, "text": texts, **columns})[
        ["article_id", "title", "text", "published", "source", "url", "language"]
    ]


def test_boilerplate_is_what_five_articles_of_a_source_have():
    texts = [f"Shells fell on town {number}.\nOur app is free!\nIt rained." for number in range(5)]
    texts += [f"Town {number} was calm.\nIt rained." for number in range(4)]
    frame = articles(*texts, sources=["Post"] * 5 + ["Echo"] * 4)
    sentences = split_articles(frame)
    marked = sentences["text"][find_boilerplate(sentences, frame)]
    assert set(marked) == {"Our app is free!", "It rained."}
    assert len(marked) == 10  # not in the four of Echo
    assert not sentences["debris"].any()
    assert split_articles(frame, DEFAULT_STEPS | {"boilerplate"})["debris"].sum() == 10


def test_a_line_of_few_among_many_articles_is_no_boilerplate():
    frame = articles(*[f"Town {number} was calm.{' It rained.' if number < 5 else ''}" for number in range(300)])
    sentences = split_articles(frame)
    assert not find_boilerplate(sentences, frame).any()


def test_what_was_cleaned_is_listed_article_by_article_and_sentence_by_sentence():
    sentences = split_articles(articles("Shells fell.\nPost a Comment", "It rained."))
    table = list_cleaned({"mojibake": ["a1"]}, sentences)
    assert table[["step", "article_id", "text"]].to_numpy().tolist() == [
        ["mojibake", "a1", None],
        ["comments", "a0", "Post a Comment"],
    ]
    assert list_cleaned({}, sentences.iloc[:1]).empty


def test_texts_are_cleaned_before_their_sentences_are_cut_so_offsets_hold(tmp_path):
    (tmp_path / "a.txt").write_text("<p>Shells &amp; rain fell.</p><p>Post a Comment</p>", encoding="utf-8")
    corpus = ArticleCorpus(str(tmp_path), cleaning={"html_tags": True})()
    assert corpus.cleaned == {"html_tags": ["a.txt"], "html_entities": ["a.txt"]}
    sentences = corpus.sentences()
    assert sentences["text"].tolist() == ["Shells & rain fell.", "Post a Comment"]
    assert sentences["debris"].tolist() == [False, True]
    (text,) = corpus.articles["text"]
    assert [text[row.start : row.end] for row in sentences.itertuples()] == sentences["text"].tolist()


@pytest.mark.slow
def test_train_counts_and_lists_what_each_step_found_and_predict_takes_the_same_switches(tmp_path):
    lines = [
        "Tanks shelled the cafÃ©.",
        "Envoys signed a truce.",
        "Rain fell.",
    ]
    rows = [
        {"article_id": str(n), "text": f"{lines[n % 3]} It was day {n}.\nBy Ana Brook\n14:05 GMT"} for n in range(12)
    ]
    (tmp_path / "in put.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = (
        "train",
        "data=articles",
        "data.path=in put.jsonl",
        "labels=rules",
        "+labels.topics={truce: [truce], war: [tanks]}",
    )
    common += ("tracking=off", "plots=false", "folds=2", "split.dev=0", "split.test=0.5")
    done = run_slugline(tmp_path, *common)
    assert done.returncode == 0, done.stderr
    assert "cleaned mojibake 4 articles; bylines 12, live_blog_stamps 12 sentences\n" in done.stdout
    (listed,) = tmp_path.glob("experiments/runs/*/*/tables/cleaned.csv")
    assert len(pd.read_csv(listed)) == 4 + 24

    again = run_slugline(tmp_path, *common, "data.cleaning.bylines=false", "data.cleaning.boilerplate=true")
    assert "cleaned mojibake 4 articles; " in again.stdout
    assert "bylines" not in again.stdout.split("cleaned")[1].split("\n")[0]
    assert "boilerplate 12" in again.stdout

    wrong = run_slugline(tmp_path, *common, "+data.cleaning.html=true")
    assert (wrong.returncode, "data.cleaning: unknown step 'html'" in wrong.stderr) == (1, True)
    model = next(tmp_path.glob("experiments/runs/*/*/model"))
    for options, debris in (([], 24), (["cleaning={bylines: false}"], 12)):
        found = run_slugline(tmp_path, "predict", f"model_uri={model}", "input=in put.jsonl", "n_jobs=1", *options)
        assert found.stdout.count('"debris": true') + found.stdout.count('"debris":true') == debris
    assert (
        run_slugline(tmp_path, "predict", f"model_uri={model}", "input=in put.jsonl", "cleaning={x: true}").returncode
        == 1
    )
