"""Encoders beside TF-IDF: quality against cost. `python experiments/encoders.py --parts=speed,single,quality [KEY=VALUE ...]`.

`speed`: how many sentences of IndiaPoliceEvents a CPU second trains (epochs, forward and backward) and reads, with all
layers of the default encoder trained and with the lowest three frozen; by torch on one thread.

`single`: one encoder alone, trained on two thirds of the train sentences, to compare options at a third of the cost: F1 on
at most 1,500 test sentences (with the thresholds that are best there, or of the likeliest topic), average precision.
Keys as for `quality`.

`weight`: TF-IDF alone and beside a frozen encoder of several weights, on the same sentences; a minute a seed. Keys data, mode, size, each and seeds
as for `quality`.

`quality`: TF-IDF and `encoder_finetuned` on the same train and test sentences, split by article, each fitted as
`slugline train` fits it; macro F1 with thresholds from out-of-fold scores, and with those that are best on test, macro
average precision, CPU and wall seconds. Where each sentence has one topic there are no thresholds. Keys, with defaults:
data=sample (also IndiaPoliceEvents, `UK manifestos`), mode=multilabel (or multiclass: the sentences with one topic; of
manifestos also those with none, as a topic), size=1500 (sentences of train, drawn at random; 0: all), each=0 (or as many
sentences of train for each topic, drawn at random, and with several labels as many again of any), seeds=1 or seeds=3,4,
and options of `FineTunedEncoder` (epochs=4, ...).
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from defaults import FEATURES, SETS, load, prepare

from slugline.cache import Folder, Stages
from slugline.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.encoder import SentenceEncoder, encoder_folder, read_encoder
from slugline.finetune import FineTunedEncoder
from slugline.finetune.cross_fitting import choose_sentences
from slugline.finetune.network import Network, import_torch
from slugline.finetune.training import Labelled, Training, read_log_odds
from slugline.model.heads import to_probabilities
from slugline.scoring import TunedThreshold, score
from slugline.splits import stratify
from slugline.training.fit import fit_model
from slugline.training.settings import TrainSettings

CACHE = Folder(str(Path(__file__).parent / "cache" / "encoders"))  # vectors are the same for all weights
TFIDF = FEATURES["words, characters 3 to 5"]
COLUMNS = ("seed", "features", "F1", "F1, best thresholds", "AP", "AP out of fold", "CPU s", "wall s")


def main() -> None:
    """Run the parts that are asked for."""
    keys = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    parts = {"speed": speed, "single": single, "weight": weight, "quality": quality}
    for part in keys.pop("parts", ",".join(parts)).split(","):
        if part not in parts:
            sys.exit(f"--parts={part}; allowed: {', '.join(parts)}")
        parts[part](dict(keys))


def speed(_: dict[str, str]) -> None:
    """Print sentences a CPU second."""
    import_torch().set_num_threads(1)
    dataset, _ = load("IndiaPoliceEvents")
    rows = np.random.default_rng(0).permutation(len(dataset.Y))[:512]
    print("\n| frozen layers | training, sentences a CPU second | reading |\n| --- | --- | --- |")
    for frozen_layers in (0, 3):
        options = FineTunedEncoder(epochs=1, frozen_layers=frozen_layers)
        weights, tokenizer = read_encoder(encoder_folder())
        tokens = tokenizer.tokenize(dataset.sentences["text"].iloc[rows].tolist(), options.max_length)
        network = Network(weights, dataset.Y.shape[1], options)
        begin = time.process_time()
        Training(network, options, "multilabel").run(Labelled(tokens, dataset.Y[rows]))
        middle = time.process_time()
        read_log_odds(network, tokens)
        trained, read = len(rows) / (middle - begin), len(rows) / (time.process_time() - middle)
        print(f"| {frozen_layers} | {trained:.0f} | {read:.0f} |", flush=True)


def quality(keys: dict[str, str]) -> None:
    """Print scores and costs of TF-IDF and of a fine-tuned encoder beside it."""
    print_table(keys, COLUMNS, measure)


def weight(keys: dict[str, str]) -> None:
    """Print scores of TF-IDF beside a frozen encoder, by its weight."""
    print_table(keys, ("seed", "weight", "F1", "AP", "AP out of fold"), measure_weights)


def single(keys: dict[str, str]) -> None:
    """Print scores and costs of one encoder."""
    print_table(keys, ("seed", "sentences", "F1", "AP", "CPU s"), measure_single)


def print_table(keys: dict[str, str], columns: tuple[str, ...], rows: Callable[..., Iterator[list[str]]]) -> None:
    """Print the rows of each seed as a table."""
    data, mode = keys.pop("data", "sample"), keys.pop("mode", "multilabel")
    size, each, seeds = int(keys.pop("size", "1500")), int(keys.pop("each", "0")), keys.pop("seeds", "1")
    if data not in SETS:
        sys.exit(f"data={data}; allowed: {', '.join(SETS)}")
    options = {key: yaml.safe_load(value) for key, value in keys.items()}
    drawn = f"{each} for each topic" if each else size or "all"
    print(f"\n{data}, {mode}, {drawn} sentences of train, encoder {options}\n")
    print(f"| {' | '.join(columns)} |\n{'| --- ' * len(columns)}|")
    for seed in map(int, seeds.split(",")) if "," in seeds else range(int(seeds)):
        dataset, settings = prepare(data, seed, 0 if each else size, mode)
        dataset = draw_few(dataset, each, seed) if each else dataset
        for row in rows(dataset, settings, seed, options):
            print(f"| {seed} | {' | '.join(row)} |", flush=True)


def draw_few(dataset: Dataset, each: int, seed: int) -> Dataset:
    """Return a dataset with few sentences of train."""
    train = np.random.default_rng(seed).permutation(np.flatnonzero(dataset.rows("train")))
    chosen = np.unique(np.concatenate([train[dataset.Y[train, topic]][:each] for topic in range(dataset.Y.shape[1])]))
    if dataset.mode == "multilabel":
        chosen = np.append(chosen, np.setdiff1d(train, chosen, assume_unique=True)[: len(chosen)])
    kept = np.append(np.sort(chosen), np.flatnonzero(dataset.rows("test")))
    return dataset._replace(sentences=dataset.sentences.iloc[kept].reset_index(drop=True), Y=dataset.Y[kept])


def measure(dataset: Dataset, settings: TrainSettings, seed: int, options: dict[str, Any]) -> Iterator[list[str]]:
    """Give the scores of each kind of features on one split."""
    encoder = {"encoder": FineTunedEncoder(seed=seed, **options)}
    train, test = dataset.rows("train"), dataset.rows("test")
    for name, features in {"TF-IDF": TFIDF, "with encoder_finetuned": TFIDF | encoder}.items():
        begin, started = time.process_time(), time.monotonic()
        fitted = fit_model(dataset, TrainSettings(features=features, model=settings.model, seed=seed), Stages())
        seconds = [time.process_time() - begin, time.monotonic() - started]
        P, Y = fitted.probabilities, dataset.Y
        given = at_best = fitted.model.decide(P)
        if dataset.mode == "multilabel":
            at_best = TunedThreshold()(Y[test], P[test]) <= P
        ours, best = (score(Y[test], one[test], dataset.topics, probabilities=P[test]) for one in (given, at_best))
        folds = score(Y[train], given[train], dataset.topics, probabilities=P[train])
        values = [ours["f1_macro"], best["f1_macro"], ours["ap_macro"], folds["ap_macro"]]
        yield [name, *(f"{value:.3f}" for value in values), *(f"{value:.0f}" for value in seconds)]


def measure_weights(dataset: Dataset, settings: TrainSettings, seed: int, _: dict[str, Any]) -> Iterator[list[str]]:
    """Give the scores for each weight; without a weight there is no encoder."""
    train, test = dataset.rows("train"), dataset.rows("test")
    for weight in (None, 0.5, 1.0, 2.0, 4.0):
        features = TFIDF if weight is None else TFIDF | {"encoder": SentenceEncoder(weight=weight)}
        fitted = fit_model(dataset, TrainSettings(features=features, model=settings.model, seed=seed), Stages(CACHE))
        Y, P = dataset.Y, fitted.probabilities
        given = fitted.model.decide(P)
        ours, folds = (score(Y[rows], given[rows], dataset.topics, probabilities=P[rows]) for rows in (test, train))
        yield [str(weight), *(f"{value:.3f}" for value in (ours["f1_macro"], ours["ap_macro"], folds["ap_macro"]))]


def measure_single(dataset: Dataset, _: TrainSettings, seed: int, options: dict[str, Any]) -> Iterator[list[str]]:
    """Give the scores of one encoder."""
    encoder = FineTunedEncoder(seed=seed, **options)
    weights, tokenizer = read_encoder(encoder_folder(encoder.folder))
    train, test = np.flatnonzero(dataset.rows("train")), np.flatnonzero(dataset.rows("test"))
    thirds = stratify(dataset.Y[train], article_groups(dataset.sentences)[train], [1 / 3] * 3, 0)
    train = choose_sentences(dataset.Y, train[thirds != 0], encoder)
    test = np.random.default_rng(0).permutation(test)[:1_500]
    texts, Y = dataset.sentences["text"], dataset.Y[test]
    tokens, tokens_of_test = (tokenizer.tokenize(texts[rows].tolist(), encoder.max_length) for rows in (train, test))

    network, begin = Network(weights, len(dataset.topics), encoder), time.process_time()
    Training(network, encoder, dataset.mode).run(Labelled(tokens, dataset.Y[train]))
    seconds = time.process_time() - begin
    log_odds = read_log_odds(network, tokens_of_test)
    if dataset.mode == "multiclass":
        odds = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
        P = odds / odds.sum(axis=1, keepdims=True)
        given = P.argmax(axis=1)[:, None] == np.arange(P.shape[1])
    else:
        P = to_probabilities(log_odds, dataset.mode)
        given = TunedThreshold()(Y, P) <= P
    scores = score(Y, given, dataset.topics, probabilities=P)
    yield [str(len(train)), f"{scores['f1_macro']:.3f}", f"{scores['ap_macro']:.3f}", f"{seconds:.0f}"]


if __name__ == "__main__":
    main()
