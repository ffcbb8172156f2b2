"""Runs every bench of this folder, or those named: ``python tests/bench [--markdown] [--cluster] [NAME …]``.

Asserts nothing. ``--markdown`` prints the controller's tables for docs/performance.md; ``--cluster`` measures
the controller on the real API server of ``tools/cluster``, which it starts when it is not running (root).
"""

import asyncio
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
OPTIONS = {"--markdown": "KAGENTS_BENCH_MARKDOWN", "--cluster": "KAGENTS_BENCH_CLUSTER"}


def load(path: Path) -> ModuleType:
    """A bench module, by its path."""
    spec = importlib.util.spec_from_file_location(f"kagents_bench_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run(path: Path) -> bool:
    """Run one bench; its failure is shown and does not stop the others."""
    print(f"\n== {path.stem} ==", flush=True)
    try:
        module = load(path)
        result = module.main() if hasattr(module, "main") else None
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except KeyboardInterrupt:
        raise
    except BaseException:
        traceback.print_exc()
        return False
    return True


def main(arguments: Sequence[str]) -> int:
    """Run the benches; 1 when one of them broke, 2 for an unknown name or option."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))  # what benches share is beside them
    names = [argument for argument in arguments if argument not in OPTIONS]
    for option in set(arguments) - set(names):
        os.environ[OPTIONS[option]] = "1"
    known = {path.stem: path for path in sorted(HERE.glob("*.py")) if not path.stem.startswith("_")}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(
            f"there is no bench {unknown[0]!r}; there are: {', '.join(known)}; options: {', '.join(OPTIONS)}",
            file=sys.stderr,
        )
        return 2
    results = [run(known[name]) for name in names or known]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
