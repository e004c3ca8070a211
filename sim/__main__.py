"""The command `python -m sim`, or `resourcepool-sim`."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    try:
        import greenlet  # noqa: F401
        import msgspec  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        print(f"the simulator needs {error.name}: pip install 'ya.resourcepool[sim]'", file=sys.stderr)
        return 2
    try:
        from sim.command import run
    except KeyboardInterrupt:
        return 130

    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
