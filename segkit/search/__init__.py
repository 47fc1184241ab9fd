"""Optuna studies over the training configuration."""
