"""`python -m slugline` is `slugline`."""

from slugline.cli import main

if __name__ == "__main__":
    main()
