"""What the values of the configuration may be, key by key."""

# The scores of a validation epoch, which loggers are given; a run can be monitored by them.
LOGGED = ("dice", "dice_pooled", "iou", "precision", "recall", "specificity", "accuracy")
# A training loss falls for ever and chooses nothing.
MONITORS = ("val/loss", *(f"val/{name}" for name in LOGGED))
PRECISIONS = (
    "auto",
    "32-true",
    "32",
    "16-mixed",
    "bf16-mixed",
    "bf16-true",
    "16-true",
    "64-true",
    "64",
    32,
    64,
)
CHOICES = {
    "mode": ("min", "max"),
    "monitor": MONITORS,
    "dataset.score_by": ("image", "group"),
    "dataset.score_at": ("native", "network"),
    "dataset.on_bad_record": ("error", "skip"),
    "dataset.channels": (1, 3),
    "trainer.precision": PRECISIONS,
    "trainer.accelerator": ("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
}
OF_DATA = ("dataset", "dataset.split", "augment")
OF_TRAINING = ("model", "loss", "optim", "schedule", "trainer")
# Inclusive bounds; None is no bound.
NUMBERS: dict[str, tuple[float, float | None]] = {
    "threshold": (0, 1),
    "large": (0, None),
    "max_megapixels": (0, None),
    "optim.lr": (0, None),
    "dataset.split.val": (0, 1),
    "dataset.split.test": (0, 1),
}
WHOLE: dict[str, tuple[int, int | None]] = {
    "callbacks.inference.every_n_epochs": (1, None),
    "callbacks.inference.most": (1, 64),
    "callbacks.panels.every_n_epochs": (1, None),
    "dataset.panel_count": (1, 64),
    "dataset.split.fold": (0, None),
    "dataset.split.seed": (0, 2**32 - 1),
    "freeze_encoder": (-1, None),
    "overlap": (0, None),
    "seed": (0, 2**32 - 1),
    "tile": (32, 1 << 14),
    "trainer.accumulate_grad_batches": (1, None),
    "trainer.check_val_every_n_epoch": (1, None),
    "trainer.max_steps": (-1, None),
    "trainer.num_nodes": (1, None),
}
# The same, or null.
WHOLE_OR_NULL: dict[str, tuple[int, int | None]] = {
    "dataset.split.folds": (3, None),
    "trainer.max_epochs": (-1, None),
    "trainer.min_epochs": (0, None),
    "trainer.min_steps": (0, None),
}
# A word such as `no` would otherwise count as true.
SWITCHES = (
    "compile",
    "dataset.device_cache",
    "dataset.split.published",
    "dataset.split.stratify",
    "trainer.enable_progress_bar",
    "two_logits",
)
