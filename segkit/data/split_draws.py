"""Names divided into parts at random, balanced over strata, by scikit-learn."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split


def draw_counts(
    names: Sequence[str], strata: Sequence[str], counts: Mapping[str, int], seed: int
) -> dict[str, str]:
    """Give every name its part: so many to each of those named, the rest to training."""
    drawn: dict[str, str] = {}
    rest, rest_strata = list(names), list(strata)
    for split, count in counts.items():
        taken, _ = _take(rest, rest_strata, count, seed)
        drawn |= dict.fromkeys(taken, split)
        left = [(n, s) for n, s in zip(rest, rest_strata, strict=True) if n not in drawn]
        rest, rest_strata = [n for n, _ in left], [s for _, s in left]
    return drawn | dict.fromkeys(rest, "train")


def _take(
    names: list[str], strata: list[str], count: int, seed: int
) -> tuple[list[str], list[str]]:
    """``count`` names, each stratum in proportion where it has the members for it."""
    merged = _merge_rare(strata, least=2)
    enough = count >= len(set(merged)) and len(names) - count >= len(set(merged))
    rest, taken = train_test_split(
        names, test_size=count, random_state=seed, stratify=merged if enough else None
    )
    return sorted(taken), sorted(rest)


def _merge_rare(strata: Sequence[str], *, least: int) -> list[str]:
    """Put strata of fewer than ``least`` members together; what stays rare joins the largest."""
    counts = Counter(strata)
    merged = [s if counts[s] >= least else "\0rare" for s in strata]
    counts = Counter(merged)
    largest = max(counts, key=lambda s: (counts[s], s))
    return [s if counts[s] >= least else largest for s in merged]


def draw_fold(
    names: Sequence[str], strata: Sequence[str], folds: int, fold: int, seed: int
) -> dict[str, str]:
    """Give every name its part of a cross-validation: ``fold`` tests, the next one validates."""
    merged = _merge_rare(strata, least=folds)
    kind = StratifiedKFold if len(set(merged)) > 1 else KFold
    cut = kind(n_splits=folds, shuffle=True, random_state=seed)
    parts = [indices for _, indices in cut.split(np.zeros(len(names)), merged)]
    drawn = dict.fromkeys(names, "train")
    drawn |= dict.fromkeys((names[i] for i in parts[fold]), "test")
    drawn |= dict.fromkeys((names[i] for i in parts[(fold + 1) % folds]), "val")
    return drawn
