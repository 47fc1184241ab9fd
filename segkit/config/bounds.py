"""The scores that a training may be monitored by."""

# The scores of a validation epoch, which loggers are given; a run can be monitored by them.
LOGGED = ("dice", "dice_pooled", "iou", "precision", "recall", "specificity", "accuracy")
# A training loss falls for ever and chooses nothing.
MONITORS = ("val/loss", *(f"val/{name}" for name in LOGGED))
