"""Stages of a training: timed, and what they made kept under a key of all that decides it, for the next run."""

from slugline.cache.entries import Values, load, store
from slugline.cache.keys import Key, chain, digest, stage_key, versions
from slugline.cache.memory import Memory
from slugline.cache.rows import recall_rows
from slugline.cache.stages import Folder, Off, Stages

__all__ = [
    "Folder",
    "Key",
    "Memory",
    "Off",
    "Stages",
    "Values",
    "chain",
    "digest",
    "load",
    "recall_rows",
    "stage_key",
    "store",
    "versions",
]
