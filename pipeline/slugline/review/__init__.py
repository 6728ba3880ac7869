"""Review: which sentences to label next, which labels look wrong, and how good labelling rules are."""
