"""What a person reads when the terminal itself fails: where and why, in harmless words and without values.

A traceback of Textual's own shows the values of variables, so keys of the kubeconfig, and writes messages as
they are, so what an agent wrote would reach the terminal.
"""

import traceback
from typing import Final

from kagents_core.safetext import SafeText, clean
from kagents_core.secretshapes import masked_text

LIMIT: Final = 20_000
ADVICE: Final = "kagents-tui failed. Teams run on; start it again, and please report these lines:"


def crash_report(error: BaseException) -> SafeText:
    """The traceback with lines of source and no values; its message is masked and cleaned."""
    lines = "".join(traceback.format_exception(error)).rstrip()
    return clean(f"{ADVICE}\n{masked_text(lines)}", limit=LIMIT)
