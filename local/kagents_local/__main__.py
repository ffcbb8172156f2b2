"""``python -m kagents_local``."""

import sys

from kagents_local.main import main

if __name__ == "__main__":
    sys.exit(main())
