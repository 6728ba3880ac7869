"""Prediction: the sentences of new articles with their topics, in batches, on all cores."""
