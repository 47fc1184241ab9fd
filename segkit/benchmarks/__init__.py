"""Data sets, splits, augmentation, the cache and the datamodule."""
