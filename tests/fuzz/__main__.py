"""Fuzzes the parsers of outside data: ``python -m tests.fuzz --help``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

if __name__ == "__main__":
    from fuzzing.command import main

    sys.exit(main())
