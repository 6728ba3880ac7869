"""Config: from YAML and the command line, by Hydra, to settings."""
