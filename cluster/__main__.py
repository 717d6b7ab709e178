"""`python -m cluster` is `bodyswap`."""

from cluster.cli.app import main

if __name__ == "__main__":
    main()
