"""Names of runs: what was chosen, shortly, what varies in a sweep first: `C=0.1 · word · linear_svc`."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

SWEPT = "SLUGLINE_SWEPT"  # environment variable: the keys that vary in the sweep which a job belongs to
SEPARATOR = " · "
_OUTWARD = ("cache", "n_jobs", "plots", "tracking")  # change no model, so they are not in the name
_DATA = ("data", "labels", "split", "allowed_modules")  # are mostly the same in all runs, so they come last
_MAX_VALUE = 40  # characters


def name_run(overrides: Sequence[str], choices: Mapping[str, str], swept: Sequence[str] = ()) -> str:
    """Return the name of a run: what was given on the command line, its model among it; without it the main choices.

    Parameters
    ----------
    overrides : sequence of str
        What was given, as `KEY=VALUE`.
    choices : mapping of str to str
        The option that was chosen of each group of the config.
    swept : sequence of str
        The keys that vary in the sweep; they come first.

    Examples
    --------
    >>> name_run(["data.path=news/may.csv", "model.C=0.1"], {"model": "linear_svc"}, ["model.C"])
    'C=0.1 · linear_svc · path=may.csv'
    >>> name_run(["features=word"], {"features": "word", "model": "linear_svc"})
    'word · linear_svc'
    """
    given = dict(_split(override) for override in overrides)
    given = {key: value for key, value in given.items() if re.split("[.@]", key)[0] not in _OUTWARD}
    if not given:
        return SEPARATOR.join(choices[group] for group in ("data", "features", "model") if group in choices)
    if "model" in choices:
        given.setdefault("model", choices["model"])
    order = [key for key in swept if key in given]
    rest = [key for key in given if key not in order]
    order += sorted(rest, key=lambda key: (re.split("[.@]", key)[0] in _DATA, key == "model"))
    ends = Counter(key.rpartition(".")[2] for key in order)
    return SEPARATOR.join(_describe(key, given[key], choices, ends) for key in order)


def _split(override: str) -> tuple[str, str]:
    """Return the key and the value of an override, without the signs before it."""
    key, _, value = override.lstrip("+~").partition("=")
    return key, value


def _describe(key: str, value: str, choices: Mapping[str, str], ends: Mapping[str, int]) -> str:
    """Return a choice by its option alone, any other setting by the last part of its key, files by their names."""
    value = re.sub(r"[^\s,\[]*/", "", value) if "://" not in value else value
    value = value if len(value) <= _MAX_VALUE else f"{value[: _MAX_VALUE - 1]}…"
    if key in choices or not value:
        return value or key
    end = key.rpartition(".")[2]
    return f"{key if ends[end] > 1 else end}={value}"
