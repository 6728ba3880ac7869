"""How fast rules are on many sentences: `python experiments/rules_benchmark.py [--quick]`.

200 rules (of keywords with wildcards and inflections, phrases, regular expressions, nearness, negation) made of the words of
the IndiaPoliceEvents sentences, seeded, on 200,000 sentences recombined from them as in `benchmark.py`; against a loop over
one regular expression a rule, for the rules that one can stand for, and the votes of both compared. Needs the data (see
CONTRIBUTING.md).
"""

import re
import sys
import time
from collections import Counter

import numpy as np
from benchmark import read, scaled

from slugline.labels.inflections import inflect
from slugline.labels.phrases import PHRASE_WORD
from slugline.labels.rules import vote
from slugline.labels.taxonomy import Near, Rule

SIZE = 5_000 if "--quick" in sys.argv else 200_000


def main() -> None:
    """Make rules and sentences, apply both ways, print."""
    texts = [row["text"] for row in scaled(read(), SIZE)]
    rules = make_rules(texts[:20_000])
    start = time.perf_counter()
    votes = vote(texts, rules)
    seconds = time.perf_counter() - start
    plain = {name: rule for name, rule in rules.items() if not rule.near and rule.negated == "count"}
    expressions = [re.compile(expression(rule), re.IGNORECASE) for rule in plain.values()]
    start = time.perf_counter()
    found = np.array([[each.search(text) is not None for each in expressions] for text in texts])
    loop = time.perf_counter() - start
    columns = [column for column, name in enumerate(rules) if name in plain]
    same = float((found == (votes[:, columns] == 1)).mean())
    print(
        f"{len(rules)} rules, {sum(len(rule.any) for rule in rules.values())} phrases, {len(texts):,} sentences: {seconds:.1f} s"
    )
    print(f"a regular expression each, {len(plain)} of the rules: {loop:.1f} s, {loop / seconds:.1f} times as long")
    print(f"equal votes: {same:.6f} of them; votes for: {float((votes == 1).mean()):.4f}")


def make_rules(texts: list[str]) -> dict[str, Rule]:
    """Return 140 rules of ten phrases each, and 20 each of regular expressions, nearness and negation."""
    random = np.random.default_rng(0)
    counts = Counter(word for text in texts for word in re.findall(r"[a-z]{4,}", text.lower()))
    words = [word for word, count in counts.items() if 20 <= count <= 2000]
    pairs = [
        pair
        for pair, count in Counter(
            pair for text in texts for pair in zip(text.lower().split(), text.lower().split()[1:], strict=False)
        ).items()
        if count > 10 and all(part.isalpha() for part in pair)
    ]

    def phrase() -> str:
        kind = random.integers(4)
        word = str(random.choice(words))
        return [word, f"{word[:5]}*", f"{word}~", " ".join(pairs[random.integers(len(pairs))])][kind]

    rules = {f"keywords {n}": Rule(topic="a", any=[phrase() for _ in range(10)]) for n in range(140)}
    for n in range(20):
        some = [str(word) for word in random.choice(words, 3)]
        rules[f"pattern {n}"] = Rule(topic="a", patterns=[rf"\b{some[0]}\w*\b", rf"\b(?:{some[1]}|{some[2]})s?\b"])
        rules[f"near {n}"] = Rule(topic="a", near=[Near(phrase(), phrase(), 6, bool(n % 2)) for _ in range(5)])
        rules[f"negated {n}"] = Rule(topic="a", any=[phrase() for _ in range(10)], negated=("skip", "only")[n % 2])
    return rules


def expression(rule: Rule) -> str:
    """Return a regular expression for a rule of phrases or patterns."""
    if rule.patterns:
        return "|".join(rule.patterns)
    phrases = [r"\s*".join(word(part) for part in PHRASE_WORD.findall(phrase)) for phrase in rule.any]
    return "|".join(phrases)


def word(part: str) -> str:
    """Return a regular expression for a word of a phrase."""
    if part.endswith("~"):
        return rf"\b(?:{'|'.join(inflect(part[:-1]))})\b"
    return rf"\b{re.escape(part)}\b".replace(r"\*", r"\w*")


if __name__ == "__main__":
    main()
