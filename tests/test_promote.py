"""The alias moves only through the gate, back again, and for one of two who move it at once."""

import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow import MlflowClient
from toy_store import DATA, toy_rows, train_toys, write_rows

from slugline.errors import InputError
from slugline.tracking import Registry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with a good model, the champion, as good a one, and a poor one: versions 1, 2 and 3."""
    place = tmp_path_factory.mktemp("promote")
    write_rows(place / "news.jsonl", toy_rows(400))
    return train_toys(place, (), ("model.C=1",), ("features.word.max_features=1",))


def aliases(folder):
    """Return which version has the alias."""
    found = MlflowClient(f"sqlite:///{folder}/store.db").get_registered_model("slugline").aliases
    return {alias: str(number) for alias, number in found.items()}


def test_a_poor_model_stays_outside_with_its_figures_as_tags_and_artifact(folder, command):
    done = command(folder, "promote", *DATA, "gate.max_calibration_error=0.5")
    assert done.returncode == 1
    assert done.stderr.startswith("slugline: version 3 does not pass: macro F1 0.")
    assert " of version 1: worse by 0." in done.stderr
    assert "beyond the tolerance of 0.02 (gate.max_macro_drop=0.02); champion stays" in done.stderr
    chosen = re.findall(
        r"^(chosen|other) +version (\d)(, the newest)?: .+, macro F1 \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}, [\w-]+\)$",
        done.stdout,
        re.MULTILINE,
    )
    assert chosen == [("chosen", "3", ", the newest"), ("other", "2", ""), ("other", "1", "")]
    assert done.stderr.count("\n") == 1
    assert aliases(folder) == {"champion": "1"}
    store = MlflowClient(f"sqlite:///{folder}/store.db")
    version = store.get_model_version("slugline", "3")
    verdict = json.loads(Path(store.download_artifacts(version.run_id, "promotion_3.json", str(folder))).read_text())
    assert verdict["champion"]["difference"]["low"] < -0.01
    assert version.tags.keys() == {"macro_f1", "data", "promotion"}
    assert version.tags["promotion"] == f"failed: {verdict['failed'][0]}"
    assert verdict["champion"]["version"] == "1"
    pasted = re.search(r"^next    slugline (promote .*)$", done.stdout, re.MULTILINE)[1]
    assert command(folder, *shlex.split(pasted)).returncode == 0
    assert aliases(folder) == {"champion": "3"}
    assert command(folder, "promote", "rollback=true").returncode == 0


def test_a_champion_before_is_judged_against_too_and_one_taken_back_is_not(folder, command):
    assert command(folder, "promote", *DATA, "version=2").returncode == 0
    done = command(folder, "promote", *DATA, "version=3", "gate.max_calibration_error=0.5")
    assert done.returncode == 1
    assert re.search(r"^macro F1  .* against version 2: worse by", done.stdout, re.MULTILINE)
    assert re.search(r"^macro F1  .* against version 1: worse by", done.stdout, re.MULTILINE)
    assert "note    version 1 is the best of the champions before, judged on " in done.stdout
    pasted = re.search(r"^next    slugline (promote .*)$", done.stdout, re.MULTILINE)[1]
    assert command(folder, *shlex.split(pasted)).returncode == 0
    for number in ("2", "1"):
        assert command(folder, "promote", "rollback=true").returncode == 0
        assert aliases(folder) == {"champion": number}
    again = command(folder, "promote", *DATA, "version=2")
    assert "of the champions before" not in again.stdout
    assert command(folder, "promote", "rollback=true").returncode == 0
    tags = MlflowClient(f"sqlite:///{folder}/store.db").get_registered_model("slugline").tags
    assert tags["champion_versions"] == "1"


def test_a_version_that_got_the_alias_by_hand_is_among_the_champions_before(folder):
    registry = Registry("slugline", "other", f"sqlite:///{folder}/store.db")
    registry.client.set_registered_model_alias("slugline", "other", "3")
    registry.move(registry.version("1"), registry.champion())
    assert registry.held_before() == ["1", "3"]
    registry.client.set_registered_model_alias("slugline", "other", "2")
    assert registry.move_back(registry.champion()) == "other of slugline: 2 -> 1"
    registry.client.delete_registered_model_alias("slugline", "other")


def test_a_model_as_good_takes_the_alias_and_gives_it_back(folder, command):
    done = command(folder, "promote", *DATA, "version=2")
    assert done.returncode == 0, done.stderr
    assert "moved   champion of slugline: 1 -> 2" in done.stdout
    assert aliases(folder) == {"champion": "2"}
    again = command(folder, "promote", *DATA, "version=2")
    assert again.stderr == "slugline: version 2 is champion already; give another version=\n"
    back = command(folder, "promote", "rollback=true")
    assert "back    champion of slugline: 2 -> 1" in back.stdout
    assert aliases(folder) == {"champion": "1"}
    none = command(folder, "promote", "rollback=true")
    assert none.stderr.startswith("slugline: champion of 'slugline' was never moved by a promotion")


def test_of_two_promotions_at_once_one_wins_and_the_other_says_so(folder):
    def move(number: str) -> str:
        registry = Registry("slugline", "champion", f"sqlite:///{folder}/store.db")
        try:
            registry.move(registry.version(number), seen)
        except InputError as error:
            return str(error)
        return "moved"

    registry = Registry("slugline", "champion", f"sqlite:///{folder}/store.db")
    seen = registry.champion()
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(move, ["2", "3"]))
    winner = aliases(folder)["champion"]
    assert said == [f"champion of 'slugline' became version {winner} meanwhile; promote against that one", "moved"]
    registry.move_back(registry.champion())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("version=9",), "no version 9 of 'slugline' in sqlite:///"),
        (("registered_model=other",), "no model 'other' in sqlite:///"),
        (("version=2", "gate.max_macro=1"), "gate: unknown key 'max_macro'"),
        (("version=2", "part=dev2"), "part=dev2: it has no sentences"),
        (("version=2", "data=sample", "labels=sample"), "has no topic 'ceasefire', which the data has"),
    ],
)
def test_a_mistake_is_one_line(folder, command, options, message):
    given = options if "data=sample" in options else (*DATA, *options)
    done = command(folder, "promote", *[one if "gate.max_macro=" not in one else f"+{one}" for one in given])
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_with_few_sentences_versions_are_judged_by_cross_validation_or_the_way_out_is_told(tmp_path, command):
    odd = ["Waffenruhe & Abzug", "Gespräche: Runde 2"]
    texts = [f"Die {['Waffenruhe', 'Gespräche', 'Brote'][n % 3]} von Köln, {n} Tage." for n in range(60)]
    rows = [f"{text};{[*odd, ''][(n + (n % 5 == 0)) % 3]};{n // 2}" for n, text in enumerate(texts)]
    (tmp_path / "few.csv").write_text("\n".join(["text;labels;article_id", *rows]), encoding="cp1252")
    wide = ("gate.max_calibration_error=1", "gate.max_macro_drop=1", "gate.max_milliseconds=1e3")
    base = ("train", "data=sentences", "data.path=few.csv", "plots=false", "features=word")
    for options in (("model.C=0.001",), (), ("evaluation.cross_validation=false",)):
        assert command(tmp_path, *base, *options).returncode == 0
    done = command(tmp_path, "promote", "version=2", *wide)
    assert done.returncode == 0, done.stderr
    size = re.search(
        r"^data    judged by cross-validation on (\d+ sentences of \d+ articles)$", done.stdout, re.MULTILINE
    )
    assert re.search(r"^chosen  version 2, .*macro F1 \d\.\d{3} \(.*, cross-validated\)$", done.stdout, re.MULTILINE)
    compared = command(tmp_path, "compare", "runs=[1,2]", "tracking=off").stdout
    judged, rest = size[1].split(" ", 1)
    assert f"judged  {judged} cross-validated {rest}, the same" in compared
    told, p = re.search(r"^macro F1  (\S+) .*, p (\S+) against version 1", done.stdout, re.MULTILINE).groups()
    row = re.search(r"^f1_macro +(-?\d\S+) +\S+ +\S+ +(\S+)", compared, re.MULTILINE)
    assert (float(told), p) == (pytest.approx(float(row[1]), abs=6e-4), row[2])

    assert command(tmp_path, "promote", "version=3", *wide).returncode == 0  # by the sentences of test
    refused = command(tmp_path, "promote", "version=1", *wide)
    found = re.fullmatch(r"slugline: version 3 was not judged by cross-validation; .*: slugline (.*)\n", refused.stderr)
    again = command(tmp_path, *shlex.split(found[1]))
    assert again.returncode == 0, again.stderr
    assert re.search(r"^data    \d+ sentences of test$", again.stdout, re.MULTILINE)
