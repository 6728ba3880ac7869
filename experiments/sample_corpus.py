"""Count what the sample corpus holds and how varied it is: `python experiments/sample_corpus.py`.

Prints Markdown tables for data/README.md: counts; how far a second labelling of 300 sentences agrees, by Cohen's kappa; and for the variety that its authors promise: the share of word 6-grams that stand in more than three
sentences, the share of distinct three-word openings, and the share of sentences that nearly repeat another (Jaccard similarity of word sets of at
least 0.7).
"""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
NEAR = 0.7


def read(name: str) -> list[dict]:
    """Return the rows of a file of the sample."""
    return [json.loads(line) for line in (SAMPLE / name).read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    """Return a text's words in small letters."""
    return re.findall(r"\w+", text.casefold())


def repeated_six_grams(sentences: list[list[str]]) -> float:
    """Return the share of distinct 6-grams that stand in more than three sentences."""
    found = defaultdict(set)
    for number, sentence in enumerate(sentences):
        for start in range(len(sentence) - 5):
            found[tuple(sentence[start : start + 6])].add(number)
    return sum(len(where) > 3 for where in found.values()) / len(found)


def distinct_openings(sentences: list[list[str]]) -> float:
    """Return how many three-word openings there are for each sentence."""
    return len({tuple(sentence[:3]) for sentence in sentences}) / len(sentences)


def near_duplicates(sentences: list[list[str]]) -> float:
    """Return the share of sentences of at least five words whose word set nearly equals an earlier one's.

    Two sets that share so many of their words share one of the rarest of each, too: a prefix filter.
    """
    sets = [set(sentence) for sentence in sentences if len(sentence) >= 5]
    often = Counter(word for found in sets for word in found)
    holders = defaultdict(list)
    near = 0
    for number, found in enumerate(sets):
        rarest = sorted(found, key=lambda word: (often[word], word))[: int((1 - NEAR) * len(found) + 1e-9) + 1]
        others = {other for word in rarest for other in holders[word]}
        near += any(len(found & sets[other]) / len(found | sets[other]) >= NEAR for other in others)
        for word in rarest:
            holders[word].append(number)
    return near / len(sets)


def measure() -> dict:
    """Return all counts and shares."""
    articles, labels = read("articles.jsonl"), read("labels.jsonl")
    sentences = [words(row["text"]) for row in labels]
    return {
        "articles": len(articles),
        "sentences": len(labels),
        "topics": dict(Counter(topic for row in labels for topic in row["labels"]).most_common()),
        "without a topic": sum(not row["labels"] for row in labels) / len(labels),
        "with several": sum(len(row["labels"]) > 1 for row in labels) / len(labels),
        "words in a sentence": sum(map(len, sentences)) / len(sentences),
        "6-grams in more than three sentences": repeated_six_grams(sentences),
        "distinct openings": distinct_openings(sentences),
        "near-duplicates": near_duplicates(sentences),
        "styles": dict(Counter(row["style"] for row in articles).most_common()),
    }


def agreement() -> dict[str, tuple[float, int, int, int]]:
    """Return for each topic Cohen's kappa of the two labellings, and how many sentences the first, second and both give."""
    first = {row["sentence_id"]: set(row["labels"]) for row in read("labels.jsonl")}
    second = {row["sentence_id"]: set(row["labels"]) for row in read("second_labels.jsonl")}
    found = {}
    for topic in sorted({topic for labels in first.values() for topic in labels}):
        pairs = [(topic in first[key], topic in labels) for key, labels in second.items()]
        one, other, both = (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs), sum(map(all, pairs)))
        n = len(pairs)
        agreed, chance = (n - one - other + 2 * both) / n, (one * other + (n - one) * (n - other)) / n**2
        found[topic] = ((agreed - chance) / (1 - chance), one, other, both)
    return found


if __name__ == "__main__":
    for name, value in measure().items():
        shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        print(f"| {name} | {shown:.4f} |" if isinstance(shown, float) else f"| {name} | {shown} |")
    kappas = agreement()
    print("\n| topic | kappa | first | second | both |\n| --- | --- | --- | --- | --- |")
    for name, (kappa, *counts) in kappas.items():
        print(f"| {name} | {kappa:.2f} | {' | '.join(map(str, counts))} |")
    print(f"| mean | {sum(kappa for kappa, *_ in kappas.values()) / len(kappas):.2f} | | | |")
