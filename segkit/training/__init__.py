"""The LightningModule and what happens around it."""
