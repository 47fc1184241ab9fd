"""The scores of objects in words; none of this imports NumPy."""

from collections.abc import Mapping
from typing import Any, ClassVar

from segkit.core.numbers import shown
from segkit.tasks.words import Words


class InstanceWords(Words):
    """See :class:`segkit.tasks.words.Words`."""

    title: ClassVar[Mapping[str, str]] = {
        "ap50_image": "AP@.5",
        "ap_image": "AP@.5:.95",
    }
    meaning: ClassVar[Mapping[str, str]] = {
        "ap50": "TP / (TP + FP + FN) over all objects together; a match has an IoU of 0.5 or more",
        "ap": "the same, mean over IoU 0.50, 0.55 … 0.95",
        **{f"ap{percent}": f"the same at IoU 0.{percent}" for percent in range(55, 100, 5)},
        "ap50_image": "TP / (TP + FP + FN) at IoU 0.5 of each image, mean over {unit}s",
        "ap_image": "the same, mean over IoU 0.50, 0.55 … 0.95",
        "kaggle_map": "score of the 2018 Data Science Bowl: IoU above 0.50 … 0.95, mean over "
        "images",
        "f1_50": "2TP / (2TP + FP + FN) at IoU 0.5",
        "precision_50": "share of what was found that is there",
        "recall_50": "share of what is there that was found",
        "pq": "panoptic quality: sq · rq",
        "sq": "mean IoU of the matches",
        "rq": "F1 of the matches with an IoU above 0.5",
        "aji": "aggregated Jaccard index",
        "count_error": "|found - true| / true of each image, averaged",
        "count_bias": "(found - true) / true of each image, averaged: below 0, too few are found",
        "merged_share": "share of the true objects that one found object covers with another",
        "split_share": "share of the true objects that only several found ones cover",
        "dice": "2TP / (2TP + FP + FN) of the foreground's pixels",
        "n": "{unit}s scored",
        "n_empty": "of these, with nothing to find",
        "n_true": "objects that are there",
        "n_found": "objects that were drawn, right or wrong",
        "n_images": "images scored",
        "n_images_empty": "of these, without a true object",
        "n_images_both_empty": "of those, without a drawn one either",
        **{
            f"recall_q{quartile}": f"recall of the {size} quarter of the true objects, by area"
            for quartile, size in ((1, "smallest"), (2, "second"), (3, "third"), (4, "largest"))
        },
        "dice_pooled": "the same, of the pixels of all images together",
        "iou": "TP / (TP + FP + FN) of the foreground's pixels",
        "loss": "mean over images",
        "threshold": "probability above which a pixel is foreground",
        "seed_threshold": "what a pixel must reach to be the core of an object",
        "min_area": "pixels below which an object is dropped",
        "halo": "rows that the highest object may have, in images too large to be decoded whole",
    }
    leading = ("n", "n_true", "n_found", "ap50", "ap", "pq", "aji")
    shortlist = (
        ("ap50", "ap", "ap50_image", "pq"),
        ("n_true", "n_found", "count_error", "count_bias"),
        ("precision_50", "recall_50", "merged_share", "split_share"),
        ("recall_q1", "recall_q2", "recall_q3", "recall_q4"),
        ("dice", "threshold", "seed_threshold", "min_area"),
    )
    optional = ("loss", "threshold", "seed_threshold", "min_area", "halo")
    pictures: ClassVar[Mapping[str, str]] = {
        "best": "The best, by AP at IoU 0.5.",
        "median": "The middle: half of the images are better, half worse.",
        "worst": "The worst: what to look at first.",
        "precision": "AP over the IoU that a match must have.",
        "counts": "How many were found beside how many are there, image by image.",
        "areas": "How large the objects are that were found, and those that are there: what was "
        "merged lies to the right, what was split to the left.",
    }
    top = ("median", "counts", "areas")
    plots_title = "How exact the outlines are"
    leading_name = "AP@.5"
    further = ("what became of each object", ())

    def facts(self, test: Mapping[str, Any], unit: str) -> list[tuple[str, object, str]]:
        """AP, and the count beside the true one."""
        mean = f"mean over {shown(test.get('n'))} {unit}s"
        true, found = test.get("n_true"), test.get("n_found")
        return [
            ("test AP@.5", shown(test.get("ap50_image")), mean),
            ("test AP@.5, pooled", shown(test.get("ap50")), f"over {true} objects"),
            ("objects drawn", found, f"{true} true; recall {shown(test.get('recall_50'))}"),
        ]

    def summary_line(self, test: Mapping[str, Any]) -> str:
        """What the field quotes first, and how many were found."""
        all_ = test["all"]
        units = "images" if all_["n"] == all_["n_images"] else "groups"
        return (
            f"ap50 {shown(all_['ap50'])} (mean over {units} {shown(all_['ap50_image'])})  "
            f"ap {shown(all_['ap'])}  pq {shown(all_['pq'])}  objects: {all_['n_found']} drawn, "
            f"{all_['n_true']} true (recall {shown(all_['recall_50'])})  n={all_['n']}"
        )
