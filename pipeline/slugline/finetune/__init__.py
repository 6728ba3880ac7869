"""Fine-tuning: an encoder learns from labels, with PyTorch, which is imported here alone and late."""

from slugline.finetune.estimator import FineTuned, FineTunedEncoder, LabelledTexts
from slugline.finetune.settings import FineTuning

__all__ = ["FineTuned", "FineTunedEncoder", "FineTuning", "LabelledTexts"]
