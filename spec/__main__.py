"""The command `python -m spec`."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    try:
        import rich  # noqa: F401

        if sys.version_info < (3, 11):
            import tomli  # noqa: F401
    except ImportError as error:
        print(f"python -m spec needs {error.name}: pip install '.[spec]'", file=sys.stderr)
        return 2
    from spec.command import run

    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
