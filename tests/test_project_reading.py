"""In a project, `predict` and `monitor` read new files as its data is read, and Python trains what the command does."""

import csv
import json

import pytest

import slugline
from slugline.config.launch import compose_settings
from slugline.config.project_reading import describe_reading
from slugline.tracking import Off

DATA = """defaults: [articles]
path: articles
columns: {text: body, published: date}
encoding: cp1252
"""
ABOUT = (
    "reading columns.text=body, columns.published=date, encoding=cp1252: as the project's data (conf/data/project.yaml)"
)
ALIKE = "split.duplicates=off"  # else reports of one event are copies


def write_csv(file, names=("date", "body"), encoding="cp1252"):
    """Write articles as a spreadsheet of Windows does, under names of its own."""
    with file.open("w", encoding=encoding, newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(names)
        for day in range(1, 25):
            event = ("A truce was signed in Zürich", "The fines were raised in Köln", "Rain fell in Malmö")[day % 3]
            rows.writerow([f"2024-01-{day:02}", f"{event} on day {day}."])


@pytest.fixture(scope="module")
def project(tmp_path_factory, command):
    """A project with articles whose columns have other names, and a model."""
    place = tmp_path_factory.mktemp("reading")
    assert command(place, "new", "border", "topics=truce,fines").returncode == 0
    folder = place / "border"
    (folder / "conf/data/project.yaml").write_text(DATA)
    (folder / "conf/labels/topics.yaml").write_text("defaults: [rules]\ntopics: {truce: [truce], fines: [fines]}\n")
    write_csv(folder / "articles/news.csv")
    options = (
        ALIKE,
        "features=word",
        "features.word.min_df=1",
        "folds=2",
        "plots=false",
        "split.test=0.3",
        "cache=off",
    )
    trained = command(folder, "train", *options)
    assert trained.returncode == 0, trained.stderr
    line = "next    slugline predict model_uri=models:/border@champion input=articles output=topics.csv"
    assert trained.stdout.splitlines()[-1] == line  # columns are the project's: predict knows them
    return folder


@pytest.mark.slow
def test_new_files_are_read_as_the_projects_own(project, command):
    write_csv(project / "new.csv")
    done = command(project, "predict", "input=new.csv", "output=topics.jsonl", "n_jobs=1")
    assert done.returncode == 0, done.stderr
    assert ABOUT in done.stderr
    first = json.loads((project / "topics.jsonl").read_text("utf-8").splitlines()[0])
    assert (first["text"], first["published"]) == ("The fines were raised in Köln on day 1.", "2024-01-01")
    watched = command(project, "monitor", "input=new.csv", "tracking=off")
    assert watched.returncode == 0, watched.stderr
    assert ABOUT in watched.stdout
    assert "read    24 articles; left out: 0 rejected" in watched.stdout


def test_language_and_cleaning_are_the_projects_for_files_and_for_typed_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf/data").mkdir(parents=True)
    (tmp_path / "conf/project.yaml").write_text("name: x\nchoices: {data: mine}\n")
    cleaning = "{html_tags: true, bylines: false, boilerplate: true}"
    text = f"defaults: [articles]\npath: x.csv\nlanguage: de\nencoding: cp1252\ncleaning: {cleaning}\n"
    (tmp_path / "conf/data/mine.yaml").write_text(text)
    said = "cleaning.html_tags=true, cleaning.bylines=false"
    for source in ("x.csv", "-"):
        settings = compose_settings("predict", [f"input={source}", "cleaning.links=false"])
        steps = settings.labeller().steps
        assert settings.language == settings.labeller().language == "de"
        assert "html_tags" in steps
        assert not {"bylines", "links", "boilerplate"} & {*steps}
        assert f"reading {said}" in describe_reading(settings)
        assert ("encoding=cp1252" in describe_reading(settings)) == (source == "x.csv")
    watched = compose_settings("monitor", ["input=x.csv", "cleaning.bylines=true", "language=fr"])
    assert (watched.language, watched.cleaning["bylines"], watched.cleaning["boilerplate"]) == ("fr", True, True)
    assert "reading cleaning.html_tags=true, cleaning.boilerplate=true" in describe_reading(watched)


def test_monitor_reads_text_as_it_is_cleaned(project, command):
    (project / "pages.jsonl").write_text(
        '{"body": "<p>A truce was signed.</p><p>By Ana Brook</p>", "date": "2024-01-01"}\n'
    )
    options = ("input=pages.jsonl", "tracking=off", "encoding=utf-8")
    kept = command(project, "monitor", *options, "cleaning.html_tags=true", "cleaning.bylines=false")
    assert "0 sentences of debris" in kept.stdout, kept.stderr
    dropped = command(project, "monitor", *options, "cleaning.html_tags=true")
    assert "1 sentences of debris" in dropped.stdout, dropped.stderr
    wrong = command(project, "monitor", *options, "language=x_")
    assert wrong.stderr.startswith("slugline: language=x_; allowed: a language tag")


def test_what_the_command_line_names_wins_and_is_not_said_to_be_the_projects(project, command):
    write_csv(project / "other.csv", ("date", "text"), "utf-8")
    options = ("input=other.csv", "columns.text=text", "encoding=utf-8")
    done = command(project, "predict", *options, "output=other.jsonl", "n_jobs=1")
    assert done.returncode == 0, done.stderr
    assert "reading columns.published=date: as the project's data" in done.stderr
    assert "Köln" in (project / "other.jsonl").read_text("utf-8")


def test_typed_text_and_text_files_have_no_columns(project, command):
    typed = command(project, "predict", "n_jobs=1", stdin="Zürich signed a truce.")
    assert typed.returncode == 0, typed.stderr
    assert json.loads(typed.stdout)["text"] == "Zürich signed a truce."
    assert "reading" not in typed.stderr
    (project / "one.txt").write_text("Zürich signed a truce.", encoding="cp1252")
    filed = command(project, "predict", "input=one.txt", "n_jobs=1")
    assert json.loads(filed.stdout)["text"] == "Zürich signed a truce."


def test_a_column_that_is_not_there_is_told_after_where_its_name_comes_from(project, command):
    write_csv(project / "third.csv", ("when", "content"))
    done = command(project, "predict", "input=third.csv", "output=third.jsonl", "n_jobs=1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == ABOUT
    assert "no column 'body' for the text; found: when, content" in done.stderr


def test_training_in_python_takes_the_project_as_the_command_does(project, monkeypatch):
    monkeypatch.chdir(project)
    settings = slugline.project_settings("seed=7", ALIKE, "features=word", "features.word.min_df=1")
    assert (settings.data.path, settings.data.columns["text"], settings.seed) == ("articles", "body", 7)
    assert list(settings.labels.topics) == ["truce", "fines"]
    run = slugline.train(tracking=Off(), plots=False, folds=2, split=settings.split, features=settings.features)
    assert run.model.topics == ("truce", "fines")
    assert run.dataset.counts["articles"] == 24
    with pytest.raises(slugline.InputError, match="nothing"):
        slugline.project_settings("experiment=nothing")
    with pytest.raises(TypeError, match="colour"):
        slugline.train(colour="red")


@pytest.mark.slow
@pytest.mark.parametrize("base", ["sentences", "articles"])
def test_settings_of_any_reader_are_taken_as_far_as_they_fit(tmp_path, monkeypatch, base):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf/data").mkdir(parents=True)
    (tmp_path / "conf/project.yaml").write_text("name: x\nchoices: {data: mine}\n")
    labels = ", labels: topic" if base == "sentences" else ""
    text = f"defaults: [{base}]\npath: x.csv\nformat: csv\ncolumns: {{text: body, published: 0{labels}}}\n"
    text += "separator: pipe\nheader: false\n"
    (tmp_path / "conf/data/mine.yaml").write_text(text)
    settings = compose_settings("monitor", ["input=x.dat"])
    assert (settings.columns["text"], settings.format, settings.encoding) == ("body", "csv", None)
    assert (settings.columns["published"], settings.separator, settings.header) == ("0", "pipe", False)
    told = "columns.text=body, columns.published=0, format=csv, separator=pipe, header=false: as the project's data"
    assert told in str(describe_reading(settings))
    assert "labels" not in settings.columns
    assert compose_settings("predict", ["input=-"]).format is None
    given = ["header=true", "separator=null", "format=null"]  # what is usual, and is not in this project
    for command in ("predict", "monitor"):
        settings = compose_settings(command, ["input=x.csv", *given])
        assert (settings.header, settings.separator, settings.format) == (True, None, None)
        assert "header" not in str(describe_reading(settings))
        assert compose_settings(command, ["input=x.csv", "on_error=stop"]).header is False
    piped = compose_settings("predict", ["input=-", "format=csv"])
    assert (piped.header, piped.separator) == (False, "pipe")


def test_a_mistake_in_the_projects_data_is_one_line(tmp_path, command):
    (tmp_path / "conf/data").mkdir(parents=True)
    (tmp_path / "conf/project.yaml").write_text("name: x\nchoices: {data: mine}\n")
    for text in ("columns: {text: body\n", "defaults: [none]\n"):
        (tmp_path / "conf/data/mine.yaml").write_text(text)
        for arguments in (("predict", "input=x.csv"), ("monitor", "--help")):
            done = command(tmp_path, *arguments)
            assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
            assert "mine.yaml" in done.stderr
