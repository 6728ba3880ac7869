"""Are copies found, and what do they change in a split? `python experiments/duplicates.py [--quick] [texts] [articles]`.

`texts`: 200,000 sentences, of which 90,000 are copies. The others are the sentences of IndiaPoliceEvents and of the British
manifestos, without those that share most of their rarer words with an earlier one, and, as these are too few, beginnings of some
of them with ends of others, each used three times, so that many pairs are alike in half. A copy is one of them with other
numbers, in other case, with one or two words replaced, or with its end cut off. Printed for several thresholds of similarity:
recall (pairs of copies of one sentence that are in one group), precision (pairs of one group that are copies of one sentence),
seconds. `articles`: IndiaPoliceEvents, split by article for ten seeds, with groups of copied articles made in several ways:
how large these are, and what of test has a copy in train. Needs the data at ../shared/data or SLUGLINE_DATA.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from slugline.data.debris import debris_step
from slugline.data.schema import to_matrix
from slugline.duplicates import group_articles, group_texts
from slugline.duplicates.articles import RULES
from slugline.splits import ByArticle

DATA = Path(os.environ.get("SLUGLINE_DATA", Path(__file__).parents[2] / "shared" / "data")).resolve()
QUICK = "--quick" in sys.argv
SENTENCES = 20_000 if QUICK else 200_000
COPIES = SENTENCES * 9 // 20
SIMILAR = (0.57,) if QUICK else (0.4, 0.5, 0.55, 0.57, 0.6, 0.7)
SEEDS = range(2) if QUICK else range(10)
COMMON = 0.01  # of the sentences that a word is in, from which it says nothing of copies
GROUPINGS: dict[
    str, tuple[str, Sequence[tuple[int, float]]]
] = {  # how sentences are copies, and which of them make copied articles
    "off": ("off", RULES),
    "exact": ("exact", RULES),
    "near": ("near", RULES),
    "near, half of the shorter article alone": ("near", RULES[1:]),
    "near, a tenth of it where 5 have it": ("near", ((5, 0.1), *RULES[1:])),
    "near, a fifth of it where 20 have it": ("near", ((20, 0.2), *RULES[1:])),
    "near, any sentence of 10 or fewer": ("near", ((10, 0.0),)),
    "near, any sentence": ("near", ((10**6, 0.0),)),
}
Random = np.random.Generator


def main() -> None:
    """Print both tables, or the one that is asked for."""
    if not (DATA / "india_police_events").is_dir():
        sys.exit(f"no {DATA}/india_police_events: set SLUGLINE_DATA to the folder with the data")
    for part in (texts, articles):
        if part.__name__ in sys.argv or not {"texts", "articles"} & {*sys.argv}:
            part()
            print()


def read(name: str) -> list[dict]:
    """Return the rows of a file of the data."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    """Return a text's words in small letters, digits as 0."""
    return re.findall(r"\w+", re.sub(r"\d+", "0", text.casefold()))


def texts() -> None:
    """Print recall, precision and seconds on synthetic copies, by threshold."""
    random = np.random.default_rng(0)
    made, origin, kinds = make_sentences(random)
    print(f"{len(made)} sentences, {COPIES} of them copies\n")
    names = list(KINDS)
    print(f"| similarity | recall | precision | {' | '.join(names)} | largest group | wall (s) | CPU (s) |")
    print("| --- " * (6 + len(names)) + "|")
    for similar in SIMILAR:
        wall, cpu = time.perf_counter(), time.process_time()
        groups = group_texts(made, similar=similar)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        right = pairs(origin, groups)
        beside = groups == groups[origin]  # with the sentence that it is a copy of
        each = " | ".join(f"{beside[kinds == name].mean():.3f}" for name in names)
        score = f"{right / pairs(origin):.4f} | {right / pairs(groups):.4f}"
        print(f"| {similar} | {score} | {each} | {np.bincount(groups).max()} | {wall:.1f} | {cpu:.1f} |", flush=True)


def pairs(*keys: np.ndarray) -> int:
    """Return how many pairs of rows have the same keys."""
    sizes = pd.DataFrame(dict(enumerate(keys))).value_counts().to_numpy()
    return int((sizes * (sizes - 1) // 2).sum())


def make_sentences(random: Random) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return sentences, for each the row of the one it is a copy of (or its own), and how it was copied."""
    real = [row["sent_text"] for row in read("india_police_events/sents.jsonl")]
    real += [row["text"] for row in read("uk_manifestos/sentences.jsonl")]
    real = drop_alike([" ".join(text.split()) for text in real if len(words(text)) >= 6])
    random.shuffle(real)
    originals = (real + splice(real, random))[: SENTENCES - COPIES]
    made, origin, kinds = list(originals), list(range(len(originals))), [""] * len(originals)
    while len(made) < SENTENCES:
        row, kind = int(random.integers(len(originals))), str(random.choice(list(KINDS)))
        if (copy := KINDS[kind](originals[row], random)) and copy != originals[row]:
            made.append(copy)
            origin.append(row)
            kinds.append(kind)
    pool = np.array(origin), np.array(kinds)
    return made, *pool


def drop_alike(sentences: list[str]) -> list[str]:
    """Drop sentences whose rarer words are mostly those of an earlier sentence."""
    found = [set(words(text)) for text in sentences]
    counts = pd.Series([word for each in found for word in each]).value_counts()
    common = set(counts.index[counts > COMMON * len(sentences)])
    holders: dict[str, list[int]] = {}
    kept = []
    for row, rare in enumerate([each - common for each in found]):
        earlier = pd.Series([other for word in rare for other in holders.get(word, [])]).value_counts()
        if len(rare) >= 2 and not (earlier > len(rare) / 2).any():
            kept.append(sentences[row])
            for word in rare:
                holders.setdefault(word, []).append(row)
    return kept


def splice(sentences: list[str], random: Random) -> list[str]:
    """Return first halves of sentences with second halves of others of like length, each half used three times."""
    by_length = sorted(sentences, key=len)
    halves = [halve(text) for text in by_length]
    made = [halves[row][0] + halves[row + step][1] for step in (1, 2, 3) for row in range(len(halves) - step)]
    random.shuffle(made)
    return list(dict.fromkeys(made))


def halve(text: str) -> tuple[str, str]:
    """Return a text in two, cut at the blank that is nearest to its middle."""
    blanks = [place for place, sign in enumerate(text) if sign == " "]
    cut = min(blanks, key=lambda place: abs(place - len(text) / 2))
    return text[:cut], text[cut:]


def change_numbers(text: str, random: Random) -> str:
    """Return a text with other numbers, or "" where it has none."""
    return re.sub(r"\d+", lambda number: str(random.integers(1, 10_000)), text) if re.search(r"\d", text) else ""


def change_words(count: int) -> Callable[[str, Random], str]:
    """Return a function that replaces words by words of the same text turned round."""

    def change(text: str, random: Random) -> str:
        parts = text.split()
        for place in random.choice(len(parts), count, replace=False):
            parts[place] = parts[place][::-1] + "en"
        return " ".join(parts)

    return change


def cut_end(text: str, random: Random) -> str:
    """Return a text without a tenth to a quarter of its words, at least one."""
    parts = text.split()
    return " ".join(parts[: -max(1, round(len(parts) * random.uniform(0.1, 0.25)))])


KINDS: dict[str, Callable[[str, Random], str]] = {
    "other numbers": change_numbers,
    "other case": lambda text, random: text.upper() + " ",
    "a word": change_words(1),
    "two words": change_words(2),
    "end cut": cut_end,
}


def articles() -> None:
    """Print what groups of copied articles change in a split."""
    rows = pd.DataFrame(read("india_police_events/sents.jsonl")).rename(columns={"sent_text": "text"})
    rows = rows.assign(
        article_id=rows["doc_id"].astype(str), debris=[debris_step(text) is not None for text in rows["text"]]
    )
    labels = [tuple(given or ()) for given in rows["sent_labels"]]
    Y = to_matrix(labels, sorted({topic for given in labels for topic in given}))
    copies, numbers = group_texts(rows["text"].tolist()), pd.factorize(rows["article_id"])[0]
    lengths = np.where(rows["debris"], 0, rows["text"].str.len())
    kinds = [np.ones(len(rows), bool), (rows["text"].str.len() >= 60).to_numpy(), Y.any(axis=1)]
    print("| copies | articles in groups | largest | of test in train: sentences | of 60 characters | with a topic |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (how, rules) in GROUPINGS.items():
        groups = group_articles(numbers, group_texts(rows["text"].tolist(), how), lengths, rules)
        sizes = np.bincount(groups)
        grouped = rows.assign(article_group=groups[numbers])
        found = np.array([leaks(copies, ByArticle(seed=seed)(grouped, Y), kinds) for seed in SEEDS]).mean(axis=0)
        print(
            f"| {name} | {sizes[sizes > 1].sum()} | {sizes.max()} | {' | '.join(f'{share:.3f}' for share in found)} |"
        )


def leaks(copies: np.ndarray, parts: np.ndarray, kinds: list[np.ndarray]) -> list[float]:
    """Return the share of the test sentences of each kind that have a copy in train."""
    in_train = np.isin(copies, copies[parts == "train"])
    return [float(in_train[kind & (parts == "test")].mean()) for kind in kinds]


if __name__ == "__main__":
    main()
