"""Headlines: the metrics of a training, or of labelling rules, that a store shows, and what tags say of its scores.

All others are in the files of the run: `metrics.json`, and what belongs together in tables.
"""

from collections.abc import Mapping

_PARTS = ("cross_validated", "test", "dev", "gold")  # the last one of labelling rules, which are judged by it
_SCORES = ("f1_macro", "f1_micro", "ap_macro")
_JUDGED = ("f1_macro_rules", "f1_macro_most_frequent", "article/f1_macro", "ece_macro", "reading_budget_macro")
_COUNTS = ("data/articles", "data/used", "data/train", "data/test", "leakage/articles")
_WHOLE = ("repeats/", "time/")  # all metrics that begin so
INTERVAL, WORST_TOPIC = "95 percent interval", "worst topic"  # tags of a run
AGAINST_BEST = "against the best"  # tag of a job of a sweep, evaluated in full: by how much it is worse, and how sure


def judged_part(metrics: Mapping[str, float]) -> str | None:
    """Return what a training was judged by: cross-validation, else test or dev; None where there are no scores."""
    return next((part for part in _PARTS if f"{part}/f1_macro" in metrics), None)


def headline_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that a store shows, macro F1 first, which MLflow shows where it shows one.

    Examples
    --------
    >>> scores = {"test/recall/truce": 1.0, "test/support/truce": 9.0, "test/f1/truce": 0.5, "test/f1_macro": 0.5}
    >>> headline_metrics(scores)
    {'test/f1_macro': 0.5, 'test/f1/truce': 0.5}
    """
    judged = judged_part(metrics)
    keys = [f"{judged}/{name}" for name in (*_SCORES, *_JUDGED)]
    keys += [f"{judged}/f1/{topic}" for topic in _topics(metrics, judged)]
    keys += [f"{part}/{name}" for part in (*_PARTS, "out_of_fold") for name in _SCORES]
    keys += [*_COUNTS, *(key for key in metrics if key.startswith(_WHOLE))]
    return {key: metrics[key] for key in keys if key in metrics}


def headline_tags(metrics: Mapping[str, float]) -> dict[str, str]:
    """Return what is known of a training's scores beside the numbers, as tags: how sure they are, and the worst topic.

    Examples
    --------
    >>> scores = {"test/f1_macro": 0.5, "test/f1_macro_low": 0.41, "test/f1_macro_high": 0.6}
    >>> headline_tags(scores | {"test/support/truce": 9.0, "test/f1/truce": 0.5})
    {'95 percent interval': '0.410 to 0.600', 'worst topic': '0.500 truce'}
    """
    judged = judged_part(metrics)
    ends = [metrics.get(f"{judged}/f1_macro_{end}") for end in ("low", "high")]
    tags = {} if None in ends else {INTERVAL: f"{ends[0]:.3f} to {ends[1]:.3f}"}
    if worst := min(_topics(metrics, judged), key=lambda topic: metrics[f"{judged}/f1/{topic}"], default=None):
        tags[WORST_TOPIC] = f"{metrics[f'{judged}/f1/{worst}']:.3f} {worst}"
    return tags


def describe_score(metrics: Mapping[str, float], tags: Mapping[str, str]) -> str:
    """Return macro F1 of a training by its metrics and tags: the interval, and what it is of; "" where it has none.

    Examples
    --------
    >>> describe_score({"cross_validated/f1_macro": 0.5}, {"95 percent interval": "0.410 to 0.600"})
    '0.500 (0.410 to 0.600, cross-validated)'
    >>> describe_score({"test/f1_macro": 0.5}, {})
    '0.500 (test)'
    """
    part = judged_part(metrics)
    if part is None:
        return ""
    name = part.replace("_", "-")
    return f"{metrics[f'{part}/f1_macro']:.3f} ({', '.join(filter(None, (tags.get(INTERVAL), name)))})"


def _topics(metrics: Mapping[str, float], part: str | None) -> list[str]:
    """Return the topics that some sentence has; their support tells a topic from an end of another one's interval."""
    prefix = f"{part}/support/"
    topics = [key.removeprefix(prefix) for key, count in metrics.items() if key.startswith(prefix) and count]
    return [topic for topic in topics if f"{part}/f1/{topic}" in metrics]
