"""``python -m kagents_runner``."""

import sys

from kagents_runner.main import main

sys.exit(main())
