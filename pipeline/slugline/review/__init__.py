"""Review: which sentences to label next, and which labels look wrong."""
