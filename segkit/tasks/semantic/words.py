"""The scores of the semantic task in words; none of this imports NumPy."""

from collections.abc import Mapping
from typing import Any, ClassVar

from segkit.core.numbers import shown
from segkit.tasks.words import Words


class SemanticWords(Words):
    """See :class:`segkit.tasks.base.Words`."""

    title: ClassVar[Mapping[str, str]] = {"iou": "IoU"}
    meaning: ClassVar[Mapping[str, str]] = {
        "dice": "2TP / (2TP + FP + FN) of each {unit}, averaged",
        "dice_pooled": "the same ratio, over the pixels of all {unit}s together",
        "iou": "TP / (TP + FP + FN) of each {unit}, averaged",
        "precision": "TP / (TP + FP): how much of what was drawn is right",
        "recall": "TP / (TP + FN): how much of what is there was drawn",
        "specificity": "TN / (TN + FP): how much of the rest was left alone",
        "accuracy": "share of pixels that are right; read it beside the next line",
        "accuracy_all_background": "what drawing nothing at all would score",
        "n": "{unit}s scored",
        "n_empty": "of these, with nothing to find; where nothing was drawn either, there is no "
        "Dice",
        "empty_false_positive_rate": "share of those in which something was drawn nevertheless",
        "hd95": "pixels: 95 % of each outline lies within this distance of the other; mean over "
        "images",
        "surface_dice": "share of both outlines within the tolerance of the other; mean over "
        "images",
        "surface_tolerance": "pixels",
        "loss": "mean over images",
        "ece": "expected calibration error: how far probabilities lie from shares that are right",
        "threshold": "probability above which a pixel is foreground",
    }
    leading = ("n", "n_empty", "dice", "iou", "precision", "recall")
    optional = ("hd95", "surface_dice", "surface_tolerance", "loss", "ece", "threshold")
    pictures: ClassVar[Mapping[str, str]] = {
        "best": "The best, by Dice.",
        "median": "The middle: half of the images are better, half worse.",
        "worst": "The worst: what to look at first.",
        "scores": "How the scores are distributed.",
        "reliability": "Whether a probability of 0.8 is right in 80 of 100 pixels.",
    }
    top = ("median",)
    plots_title = "Distribution and calibration"
    leading_name = "Dice"
    further = ("surface distances", ("surface=true",))

    def facts(self, test: Mapping[str, Any], unit: str) -> list[tuple[str, object, str]]:
        """Dice and IoU, and the accuracy beside its baseline."""
        mean = f"mean over {shown(test.get('n'))} {unit}s"
        baseline = f"all background: {shown(test.get('accuracy_all_background'))}"
        return [
            ("test Dice", shown(test.get("dice")), mean),
            ("test IoU", shown(test.get("iou")), mean),
            ("test accuracy", shown(test.get("accuracy")), baseline),
        ]

    def summary_line(self, test: Mapping[str, Any]) -> str:
        """How many were scored, and each class where there are several."""
        overall = test["all"]
        classes = {name: value for name, value in test.items() if name not in ("all", "loss")}
        told = (
            f"dice {shown(overall['dice'])}  iou {shown(overall['iou'])}  accuracy "
            f"{shown(overall['accuracy'])} (all background: "
            f"{shown(overall['accuracy_all_background'])})  n={overall['n']}"
        )
        if len(classes) > 1:
            each = ", ".join(f"{name} {shown(value['dice'])}" for name, value in classes.items())
            told += f"; means over the classes, dice of each: {each}"
        return told
