"""A linear support vector machine: scikit-learn's, fitted quickly by numba where it is installed.

This is the one door: other rooms import from here only.
"""

from slugline.svm.estimator import LinearSVC

__all__ = ["LinearSVC"]
