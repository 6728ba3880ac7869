"""Which engine searches for the regular expressions of rules: `python experiments/pattern_engines.py`.

The phrases of two shipped taxonomies, PLOVER's and that of IndiaPoliceEvents, and the patterns of the docs, written as
regular expressions, on the sentences of the sample and of IndiaPoliceEvents (see CONTRIBUTING.md for the data): CPU seconds
of Python's `re`, of `regex` without and with a time limit, and of RE2 (`pip install google-re2`), all in one run, and
the votes that are not those of `re`. Then a few German and Hindi patterns, and attacks, with a limit of a second each.
"""

import re
import time
from collections.abc import Callable
from typing import Any

import re2
import regex
from benchmark import read
from rules_benchmark import expression

from slugline.data import ArticleCorpus
from slugline.files import shipped_folder
from slugline.labels import Rule, collect_rules, read_taxonomy

DOCS = Rule(patterns=[r"\bairlift\w*", r"\bflood\w* inbox", r"will (pay|regret)"])
FOREIGN = [
    (r"\bübung\w*", "Die Übungen enden"),
    (r"\w+ung\b", "Die Entschädigung, die Prüfung"),
    (r"^\w+$", "Überfällig"),
    (r"\bयुद्ध", "युद्ध समाप्त"),
    (r"(?<!no )truce", "a truce"),
    (r"(\w)\1ing", "running"),
]
ATTACKS = [
    (r"(a+)+$", "a" * 40 + "!"),
    (r"(a|aa)+$", "a" * 60 + "!"),
    (r"(\w+\s?)+$", "word " * 30 + "!"),
    (r"(x+x+)+y", "x" * 40),
    (r"\w+\d", "a" * 1_000_000),
    (r"(.*),(.*):(.*);", "," * 100_000),
]


def main() -> None:
    """Compare the engines, print."""
    corpus = ArticleCorpus(str(shipped_folder("data/sample") / "articles.jsonl"))()
    compare("sample", "plover", corpus.sentences()["text"].tolist())
    compare("IndiaPoliceEvents", "india_police_events", [row["sent_text"] for row in read()])
    for pattern, text in [*FOREIGN, *ATTACKS]:
        print(
            f"{pattern:<20}",
            *(f"{name} {attempt(name, pattern, text)}" for name in ENGINES if name != "regex"),
            sep="  ",
        )


def compare(data: str, taxonomy: str, texts: list[str]) -> None:
    """Search texts for the phrases of a taxonomy by all engines, print."""
    content = read_taxonomy(shipped_folder("conf") / f"labels/{taxonomy}.yaml")
    rules = collect_rules(content["topics"], content.get("functions", {})) | {"docs": DOCS}
    expressions = [expression(rule) for rule in rules.values() if rule.any or rule.patterns]
    print(f"{data}: {len(texts)} sentences, {len(expressions)} rules")
    votes: dict[str, list[bool]] = {}
    for name, (compile_one, search) in ENGINES.items():
        start = time.process_time()
        compiled = [compile_one(each) for each in expressions]
        votes[name] = [search(each, text) for each in compiled for text in texts]
        seconds = time.process_time() - start
        different = sum(one != other for one, other in zip(votes["re"], votes[name], strict=True))
        print(f"  {name:<15} {seconds:6.2f} s  {different} of {sum(votes['re'])} votes differ")


def attempt(name: str, pattern: str, text: str) -> str:
    """Return whether an engine finds a pattern in a text, why not, or that it is not tried."""
    if name == "re" and (pattern, text) in ATTACKS:
        return "not tried"
    compile_one, search = ENGINES[name]
    start = time.process_time()
    try:
        found = "found" if search(compile_one(pattern), text) else "nothing"
    except (TimeoutError, re2.error) as error:
        found = type(error).__name__
    return f"{found} ({time.process_time() - start:.3f} s)"


def _re2(pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = options.log_errors = False
    return re2.compile(pattern, options)


ENGINES: dict[str, tuple[Callable[[str], Any], Callable[[Any, str], bool]]] = {
    "re": (lambda pattern: re.compile(pattern, re.IGNORECASE), lambda each, text: each.search(text) is not None),
    "regex": (
        lambda pattern: regex.compile(pattern, regex.IGNORECASE),
        lambda each, text: each.search(text) is not None,
    ),
    "regex with limit": (
        lambda pattern: regex.compile(pattern, regex.IGNORECASE),
        lambda each, text: each.search(text, timeout=1) is not None,
    ),
    "RE2": (_re2, lambda each, text: each.search(text) is not None),
}

if __name__ == "__main__":
    main()
