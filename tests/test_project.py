"""A project of one's own: made by `slugline new`, found by all commands, with topics and models of its own."""

import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from slugline.config.launch import compose_settings
from slugline.errors import InputError
from slugline.labels import Labels, read_taxonomy
from slugline.project import find_project, make_project

TOPICS = [
    "law & order",
    "C++",
    "a,b",
    "1e3",
    "2024",
    "null",
    "a: b",
    "*x",
    "🔥 fire",
    "yes",
    "crime (organised)",
    "people's protest",
]
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


@pytest.mark.slow
def test_every_next_line_works_when_it_is_pasted_from_rules_to_gold_to_predictions(command, project):
    trained = command(project, "train", "plots=false", "features=word", "folds=2", "split.duplicates=off")
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
    assert next_lines(paste(command, project, collect_line)) == [
        "next    slugline train labels.gold=labels.jsonl",
        "next    slugline label tasks=tasks-2.csv size=150 labels.gold=labels.jsonl",
    ]


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


def test_topics_of_any_name_are_written_as_they_are(tmp_path, monkeypatch):
    make_project(tmp_path / "odd", TOPICS)
    assert list(read_taxonomy(tmp_path / "odd" / "conf/labels/topics.yaml")["topics"]) == TOPICS
    monkeypatch.chdir(tmp_path / "odd")
    assert list(compose_settings("label").labels.topics) == TOPICS


def test_the_rules_in_comments_work_for_the_topics_that_were_given(tmp_path):
    make_project(tmp_path / "mine", ["law & order", "a: b"])
    file = tmp_path / "mine/conf/labels/topics.yaml"
    head, functions, rules = file.read_text().partition("# functions:")
    file.write_text(head + (functions + rules).replace("\n# ", "\n").removeprefix("# "))
    taxonomy = read_taxonomy(file)
    assert {rule.topic for rule in taxonomy["functions"].values()} == {"law & order"}
    assert len(Labels(rules=True, **taxonomy).all_rules()) == 3


def test_a_topic_with_a_comma_is_quoted_on_the_command_line(tmp_path, command):
    command(tmp_path, "new", "mine", 'topics=["a,b", c,,law & order]')
    assert list(read_taxonomy(tmp_path / "mine/conf/labels/topics.yaml")["topics"]) == ["a,b", "c", "law & order"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", ["123", "null", "yes", "2023-12-01", "1e3", "it's", "Überschwemmung", "a=b", "x [1]"]
)
def test_a_folder_of_any_name_becomes_a_project_that_commands_find(tmp_path, command, monkeypatch, folder):
    made = command(tmp_path, "new", f"folder={folder}")
    assert made.returncode == 0, made.stderr
    monkeypatch.chdir(tmp_path / folder)
    assert f"project '{find_project().name}'" in made.stdout
    assert list(compose_settings("train").labels.topics) == ["flood", "rescue", "warning"]
    shown = command(tmp_path / folder, "train", "--cfg", "job")
    assert "warned_residents" in shown.stdout, shown.stderr


@pytest.mark.slow
def test_a_config_dir_is_added_to_the_config_of_the_project_and_is_repeated_in_next_lines(tmp_path, command, project):
    (tmp_path / "other/labels").mkdir(parents=True)
    (tmp_path / "other/labels/short.yaml").write_text(
        "defaults: [rules]\ntopics: {flood: flood*, storm: , heat: [hot]}\n"
    )
    shown = command(project, "label", "--config-dir=../other")
    assert "warned_residents" in shown.stdout, shown.stderr
    done = command(project, "label", "--config-dir=../other", "labels=short")
    assert "note    without any rule: storm; give keywords in labels.topics\n" in done.stdout
    assert f"--config-dir={tmp_path / 'other'} labels=short" in next_lines(done)[0]
    assert "--config-dir" not in next_lines(command(project, "label", "--config-dir=conf"))[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "defaults: [rules]\ntopics:\n  flood: [*flood]",
            "line 3: found undefined alias 'flood'; text that begins with *",
        ),
        (
            "defaults: [rules]\ntopics:\n\tflood: [flood]",
            "topics.yaml: cannot be read as YAML: line 3: found character",
        ),
        (
            "defaults: [rules]\ntopics:\n  flood: a\n  flood: b",
            "topics.yaml: cannot be read as YAML: line 4: found dup",
        ),
        (
            "defaults: [rules]\ntopics:\n  größe: [flood]",
            "conf/labels/topics.yaml: line 3: byte 0xf6 is not UTF-8; save",
        ),
        (
            "defaults: [rulez]\ntopics: {flood: a}",
            "labels/topics.yaml: defaults: there is no 'rulez'; allowed: given, gold",
        ),
        ("topics: {flood: a}", "labels: there is no _target_; begin its YAML file with 'defaults: [OPTION]'"),
        ("", "labels: there is no _target_; begin its YAML file with 'defaults: [OPTION]'"),
        (
            "defaults: [rules]\ntopics: {flood: {keyword: [a]}}",
            "labels.topics.flood: unknown key 'keyword'; allowed: def",
        ),
        ("defaults: [rules]\ntopics: {flood: 3}", "labels.topics.flood: 3; allowed: the keys definition, examples"),
        (
            "defaults: [rules]\ntopics: {flood: [a, yes]}",
            "labels.topics.flood.keywords[1]: True; allowed: a text, in quotes",
        ),
    ],
)
def test_a_wrong_taxonomy_is_one_line_with_its_place_and_what_is_allowed(tmp_path, command, content, says):
    command(tmp_path, "new", "mine")
    (tmp_path / "mine/conf/labels/topics.yaml").write_text(content, encoding="cp1252")
    done = command(tmp_path / "mine", "label")
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_topic_that_the_command_line_cannot_name_is_written_in_yaml(tmp_path, command):
    done = command(tmp_path, "label", "labels.topics.law & order=[police]")
    assert "found 'labels.topics.law & order'; keys with ' ' are written in a YAML file" in done.stderr


def test_an_unknown_option_is_told_without_the_search_path(tmp_path, command):
    done = command(tmp_path, "train", "labels=rulez")
    assert done.stderr.strip().endswith("given gold india_police_events plover rules sample")


@pytest.mark.slow
def test_a_reader_of_the_output_that_leaves_early_is_no_error(tmp_path):
    (tmp_path / "a.txt").write_text("The truce held.")
    applied = "label data=articles data.path=a.txt labels=plover tracking=off"
    for words in ("--help", "guide gold", "train --help", "new mine", applied):
        line = f"{sys.executable} -u -m slugline {words} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 141)
        assert done.stderr == ""


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
    assert "keywords to flood, law & order in their YAML file, in a project conf/labels/topics.yaml" in done.stderr


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


@pytest.mark.slow
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
