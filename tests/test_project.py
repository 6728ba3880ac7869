"""A project of one's own: made by `slugline new`, found by all commands, with topics and models of its own."""

import shlex
import shutil

import pytest
import yaml

from slugline.config.launch import compose_settings
from slugline.errors import InputError
from slugline.labels import read_taxonomy
from slugline.project import find_project, make_project

TOPICS = ["law & order", "C++", "a: b", "*x", "🔥 fire", "yes", "crime (organised)", "people's protest"]
WIRE = {
    "flood": "The river burst its banks and the flood reached the old town in number {}.",
    "rescue": "Crews in boats rescued stranded families from roof number {}.",
    "warning": "An evacuation order for district {} came before dawn.",
    "": "The council talked about the budget for year {} until the evening.",
}


@pytest.fixture
def project(tmp_path, command):
    """A new project with forty articles."""
    made = command(tmp_path, "new", "high water (2)")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "high water (2)"
    for number in range(40):
        lines = [text.format(number) for place, text in enumerate(WIRE.values()) if (number + place) % 2]
        (folder / "articles" / f"{number}.txt").write_text("\n".join(lines) + "\n")
    return folder


def paste(command, folder, line):
    """Run a line that a command printed after `next`."""
    program, *arguments = shlex.split(line.removeprefix("next").strip())
    assert program == "slugline"
    done = command(folder, *arguments)
    assert done.returncode == 0, (line, done.stderr)
    return done


def next_lines(done):
    return [line for line in done.stdout.splitlines() if line.startswith("next    slugline ")]


def test_every_next_line_works_when_it_is_pasted_from_rules_to_gold_to_predictions(command, project):
    trained = command(project, "train", "plots=false", "features=word", "folds=2")
    assert trained.returncode == 0, trained.stderr
    assert "model   models:/high-water-2@champion\n" in trained.stdout
    tasks_line, predict_line = next_lines(trained)
    assert "input=articles" in predict_line
    predicted = paste(command, project, predict_line)
    assert (project / "topics.csv").is_file()
    assert "40 labelled" in predicted.stderr

    (collect_line,) = next_lines(paste(command, project, tasks_line))
    sheet = (project / "tasks.csv").read_text(encoding="utf-8-sig").splitlines()
    filled = [sheet[0], *(line for line in sheet[1:])]
    place = sheet[0].split(",").index("status")
    rows = [line.split(",") for line in filled]
    for row in rows[1:]:
        row[place] = "done"
    (project / "tasks.csv").write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    (train_line,) = next_lines(paste(command, project, collect_line))
    assert train_line == "next    slugline train labels.gold=labels.jsonl"


def test_the_template_trains_by_every_form_of_rule_and_its_readme_names_commands_that_work(command, project):
    text = (project / "README.md").read_text()
    commands = [line.strip() for line in text.splitlines() if line.strip().startswith("slugline ")]
    assert commands[0] == "slugline label"
    report = paste(command, project, commands[0])
    for rule in ("flood", "rescue", "warning", "flood_of_words", "rescue_attempt", "warned_residents"):
        assert f" {rule} " in report.stdout.replace("\n", " ")
    assert [line for line in commands if not line.startswith(("slugline label", "slugline ui"))] == [
        "slugline train",
        "slugline train experiment=gold",
        "slugline predict input=articles output=topics.csv",
    ]
    assert compose_settings("train", ["labels=rules"]).tracking.registered_model == "slugline"  # not in the project


def test_topics_of_any_name_are_written_as_they_are(tmp_path):
    make_project(tmp_path / "odd", TOPICS)
    assert list(read_taxonomy(tmp_path / "odd" / "conf/labels/topics.yaml")["topics"]) == TOPICS


@pytest.mark.parametrize("taken", ["README.md", "conf/labels/topics.yaml", ".gitignore"])
def test_nothing_is_written_where_a_file_is_there_already(tmp_path, command, taken):
    (tmp_path / "mine" / taken).parent.mkdir(parents=True)
    (tmp_path / "mine" / taken).write_text("mine")
    done = command(tmp_path, "new", "mine")
    assert done.returncode == 1
    assert f"mine/{taken} is there already: nothing was written" in done.stderr
    assert [file for file in (tmp_path / "mine").rglob("*") if file.is_file()] == [tmp_path / "mine" / taken]


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--folder", "a"], ["a", "topcis=b"], [""]])
def test_new_says_what_it_takes(tmp_path, command, words):
    done = command(tmp_path, "new", *words)
    assert done.returncode == 1
    assert "allowed: slugline new FOLDER [topics=A,B,C]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_topics_without_keywords_are_told_with_how_to_give_them(tmp_path, command):
    command(tmp_path, "new", "mine", "topics=flood,law & order")
    (tmp_path / "mine/articles/a.txt").write_text("The river rose. The judge spoke.")
    done = command(tmp_path / "mine", "train")
    assert done.returncode == 1
    assert "flood, law & order" in done.stderr
    assert "keywords" in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name: [a]", "name: ['a']; allowed: a text without / and :"),
        ("name: a/b", "name: 'a/b'; allowed: a text without / and :"),
        ("nmae: a", "unknown key 'nmae'; allowed: name, choices"),
        ("- a", "no mapping; allowed: name, choices"),
        ("choices: {labels: 3}", "choices: {'labels': 3}; allowed: options by group"),
        ("name: *x", "cannot be read as YAML: line 1"),
    ],
)
def test_a_wrong_project_file_is_one_line(tmp_path, command, monkeypatch, content, says):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/project.yaml").write_text(content)
    for words in (["train"], ["predict", "--help"], ["label", "--cfg", "job"]):
        done = command(tmp_path, *words)
        assert done.returncode == 1
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"conf/project\.yaml"):
        find_project()


def test_a_project_decides_names_and_choices_and_the_command_line_wins(project, monkeypatch):
    monkeypatch.chdir(project)
    settings = compose_settings("train")
    assert (settings.data.path, list(settings.labels.topics)) == ("articles", ["flood", "rescue", "warning"])
    assert (settings.tracking.experiment, settings.tracking.registered_model) == ("high-water-2", "high-water-2")
    assert compose_settings("predict").model_uri == "models:/high-water-2@champion"
    assert compose_settings("promote").registered_model == "high-water-2"
    assert len(compose_settings("train", ["labels=plover"]).labels.topics) == 15
    assert yaml.safe_load((project / "conf/project.yaml").read_text())["name"] == "high-water-2"
    shutil.rmtree(project / "conf")
    assert compose_settings("train").tracking.registered_model == "slugline"
    assert len(compose_settings("train").labels.topics) == 15


def test_a_conf_folder_of_somebody_else_is_not_touched(tmp_path, monkeypatch):
    (tmp_path / "conf" / "labels").mkdir(parents=True)
    (tmp_path / "conf" / "labels" / "mine.yaml").write_text("nonsense: [")
    monkeypatch.chdir(tmp_path)
    assert len(compose_settings("train").labels.topics) == 15


@pytest.mark.parametrize(
    ("data", "rules", "topics"), [("sentences", False, 0), ("articles", True, 0), ("sample", False, 15)]
)
def test_the_labels_of_the_sample_are_for_the_sample_alone(data, rules, topics):
    for name in ("train", "label"):
        labels = compose_settings(name, [f"data={data}", *([] if data == "sample" else ["data.path=x"])]).labels
        assert (labels.rules, len(labels.topics)) == (rules, topics)
