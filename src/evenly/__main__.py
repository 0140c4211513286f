"""``python -m evenly``: the same as the ``evenly`` command."""

from evenly.cli import main

if __name__ == "__main__":
    main()
