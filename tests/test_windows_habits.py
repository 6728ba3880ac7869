"""Tables that Windows and Excel saved are read by every command that reads one, and told in a line."""

import csv
import io
import json

import pandas as pd
import pytest

TOPICS = {
    "police": "Polizei in Zürich nahm “Müller” fest, am Tag",
    "sport": "Das Spiel in Köln endete eins zu eins, am Tag",
}
TAXONOMY = """defaults: [rules]
topics:
  police: [Polizei]
  sport: [Spiel]
"""
HABITS = {  # separator, encoding, first line, how it is told
    "cp1252": (";", "cp1252", "", "cp1252, ';'"),
    "utf-16": ("\t", "utf-16", "", "utf-16, '\\t'"),
    "sep": (";", "utf-8-sig", "sep=;\r\n", "';'"),
}
SMALL = ("plots=false", "features=word", "split.test=0.25", "split.duplicates=off", "cache=off")


def save(file, rows, habit):
    """Save rows as a spreadsheet program with a habit does."""
    separator, encoding, first, _ = HABITS[habit]
    stream = io.StringIO(newline="")
    stream.write(first)
    csv.writer(stream, delimiter=separator).writerows([list(rows[0]), *(row.values() for row in rows)])
    file.write_bytes(stream.getvalue().encode(encoding))


def resave(file, habit):
    """Save what we wrote as CSV as a spreadsheet program with a habit does."""
    save(file, list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline=""))), habit)


@pytest.fixture(params=HABITS)
def habit(request):
    return request.param


@pytest.fixture
def folder(tmp_path, habit):
    """A project whose tables are all saved with a habit."""
    (tmp_path / "conf" / "labels").mkdir(parents=True)
    (tmp_path / "conf" / "project.yaml").write_text("name: town\nchoices: {labels: topics}\n")
    (tmp_path / "conf" / "labels" / "topics.yaml").write_text(TAXONOMY)
    pairs = [(topic, f"{text} {day}.") for day in range(24) for topic, text in TOPICS.items()]
    named = [{"article_id": f"a{number}", "topic": topic, "text": text} for number, (topic, text) in enumerate(pairs)]
    save(tmp_path / "articles.csv", [{"article_id": row["article_id"], "text": row["text"]} for row in named], habit)
    save(tmp_path / "sentences.csv", named, habit)
    save(tmp_path / "gold.csv", [{**row, "labels": row["topic"]} for row in named], habit)
    return tmp_path


def test_every_reader_reads_the_habit_and_notes_it(folder, habit):
    from slugline.annotate.reader import read_annotations
    from slugline.data import ArticleCorpus, SentenceCorpus
    from slugline.labels import Labels, read_gold
    from slugline.labels.codebook_change import read_change
    from slugline.labels.gold_change import change_gold

    told = HABITS[habit][-1]
    articles = ArticleCorpus(str(folder / "articles.csv"))()
    assert (len(articles.articles), articles.rejected) == (48, [])
    assert articles.all_notes() == [f"articles.csv: {told}"]
    assert "“Müller”" in articles.articles["text"][0]
    chunks = list(ArticleCorpus(str(folder / "articles.csv"), chunk_rows=20).chunks())
    assert (len(chunks), chunks[-1].all_notes()) == (3, articles.all_notes())

    sentences = SentenceCorpus(str(folder / "sentences.csv"))()
    assert sentences.all_notes()[0] == f"sentences.csv: {told}"
    opened = []
    labelled = Labels(gold=str(folder / "gold.csv"))(
        articles.sentences(), read_gold(str(folder / "gold.csv"), {}, opened=opened)
    )
    assert (labelled.counts["exact"], opened[0].notes) == (48, told.split(", "))

    ids = articles.sentences()["sentence_id"]
    save(folder / "done.csv", [{"sentence_id": key, "text": "ü", "labels": "sport"} for key in ids], habit)
    done = read_annotations(folder / "done.csv", None, list(TOPICS))
    assert (len(done.annotations), done.rejected, done.read.notes) == (48, [], told.split(", "))

    before = (folder / "gold.csv").read_bytes()
    change = read_change(list(TOPICS), rename="police:crime")
    changed = change_gold(folder / "gold.csv", change, columns={}, delimiter=",", mode="multilabel")
    separator, encoding, *_ = HABITS[habit]
    old, new = before.decode(encoding), changed.content.decode(encoding)
    assert changed.content[:3] == before[:3]
    assert new == old.replace(f"{separator}police\r\n", f"{separator}crime\r\n")
    assert new != old


def test_topics_that_an_encoding_cannot_hold_are_refused_by_csv_and_escaped_in_json(tmp_path):
    from slugline.errors import InputError
    from slugline.labels.codebook_change import read_change
    from slugline.labels.gold_change import change_gold

    change = read_change(["aid"], rename="aid:🔥")
    row = {"article_id": "1", "text": "In Zürich.", "labels": "aid"}
    save(tmp_path / "gold.csv", [row], "cp1252")
    with pytest.raises(InputError, match="its encoding, cp1252, has no '🔥'; save it as UTF-8"):
        change_gold(tmp_path / "gold.csv", change, columns={}, delimiter=",", mode="multilabel")
    (tmp_path / "gold.jsonl").write_bytes((json.dumps(row, ensure_ascii=False) + "\n").encode("cp1252"))
    changed = change_gold(tmp_path / "gold.jsonl", change, columns={}, delimiter=",", mode="multilabel")
    assert json.loads(changed.content.decode("cp1252")) == {**row, "labels": "🔥"}


@pytest.mark.slow
def test_every_command_that_reads_a_table_reads_the_habit_and_tells_it(folder, habit, command):
    told = HABITS[habit][-1]

    def run(name, *options, tells=(), code=0):
        done = command(folder, name, *options)
        assert done.returncode == code, done.stdout + done.stderr
        for file in tells:
            assert f"note    {file}: {told}\n" in done.stdout + done.stderr
            assert (done.stdout + done.stderr).count(f"note    {file}: ") == 1
        return done

    articles = ("data=articles", "data.path=articles.csv")
    run("train", *articles, "labels.gold=gold.csv", *SMALL, tells=["2 files (articles.csv, gold.csv)"])
    files = pd.read_csv(next(folder.glob("experiments/runs/**/tables/files.csv")))
    assert files["file"].tolist() == ["articles.csv", "gold.csv"]
    assert files["notes"].tolist() == [told, told]
    run("train", "data=sentences", "data.path=sentences.csv", *SMALL, tells=["sentences.csv"])
    run("label", *articles, tells=["articles.csv"])
    run("label", *articles, "tasks=tasks.csv", tells=["articles.csv"])
    rows = list(csv.DictReader(io.StringIO((folder / "tasks.csv").read_text("utf-8-sig"), newline="")))
    marked = [{**row, "police": "x"} for row in rows]
    save(folder / "done.csv", marked, habit)
    collected = run("label", *articles, "annotations=done.csv", "output=new.jsonl", tells=["articles.csv", "done.csv"])
    assert "read    48 annotations, 0 rows rejected" in collected.stdout
    predicted = run("predict", "input=articles.csv", "output=out.jsonl", tells=["articles.csv"])
    assert "read 48 = 48 labelled + 0 rejected" in predicted.stderr
    assert "“Müller”" in (folder / "out.jsonl").read_text("utf-8")
    monitored = command(folder, "monitor", "input=articles.csv")
    assert monitored.returncode in (0, 3), monitored.stderr
    assert f"note    articles.csv: {told}\n" in monitored.stdout
    run("review", *articles, "output=queue.csv", "size=5", tells=["articles.csv"])
    changed = run("label", "rename=police:crime", "labels.gold=gold.csv", "output=other.jsonl")
    assert "gold.csv: 24 of 48 sentences changed" in changed.stdout
    run("train", *articles, "labels.gold=gold.csv", *SMALL, tells=["2 files (articles.csv, gold.csv)"])
