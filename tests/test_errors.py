import inspect

from bodyswap import errors


def test_every_error_is_drawn_in_the_tree_with_its_exit_code() -> None:
    tree = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if inspect.isclass(value):
            (line,) = [row for row in tree.splitlines() if name in row.split()]
            words = line.split()
            assert words[words.index(name) + 1] == str(value.exit_code), name
