"""Training: from a dataset to a fitted, evaluated and recorded topic model."""
