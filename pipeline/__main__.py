"""`python -m pipeline` is `slugline`."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
