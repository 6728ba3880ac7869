"""One module for each format of annotation tools: `fits`, `read` and `encode`."""
