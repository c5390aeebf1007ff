"""`python -m productflo.cli` is `productflo`."""

from productflo.cli import main

if __name__ == "__main__":
    main(prog_name="productflo")
