"""Start of one process in its own process group, with its output in pipes. Standard library only.

Not in its own session: Linux shares the processor between sessions first (autogroups), so a hundred of them
would leave the daemon a hundredth, whatever anybody's niceness.
"""

import errno
import json
import os
import resource
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from kagents_local.kubelet.processes import start_time


class SpawnError(Exception):
    """The program could not be started; one sentence for the container's state."""


def spawn(
    directory: Path, argv: Sequence[str], env: Mapping[str, str], cwd: str, niceness: int
) -> tuple[int, dict[str, int]]:
    """Start ``argv`` and return its process number and the reading ends of ``stdout`` and ``stderr``.

    ``niceness`` is added to the keeper's own.

    The new process writes ``process.json`` into ``directory`` before it becomes the program, so that no
    program is without a record. Raises SpawnError when the program cannot be run.
    """
    out_reader, out_writer = os.pipe()
    err_reader, err_writer = os.pipe()
    failure_reader, failure_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(directory, argv, env, cwd, niceness, (out_writer, err_writer, failure_writer))
    for descriptor in (out_writer, err_writer, failure_writer):
        os.close(descriptor)
    with os.fdopen(failure_reader, "rb") as failures:
        failure = failures.read(4096).decode("utf-8", "replace")
    if failure:
        os.waitpid(pid, 0)
        os.close(out_reader)
        os.close(err_reader)
        raise SpawnError(failure)
    for descriptor in (out_reader, err_reader):
        os.set_blocking(descriptor, False)
    return pid, {"stdout": out_reader, "stderr": err_reader}


def _become(
    directory: Path,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    niceness: int,
    writers: tuple[int, int, int],
) -> None:
    """The child's side: never returns."""
    what = argv[0]
    try:
        os.setpgid(0, 0)
        _reset_signals()
        _reset_limits()
        os.nice(niceness)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (writers[0], 1), (writers[1], 2)):
            os.dup2(source, target)
        record = {"pid": os.getpid(), "started": start_time(os.getpid())}
        with open(directory / "process.json", "x", encoding="utf-8") as file:
            json.dump(record, file)
        what = cwd
        os.chdir(cwd)
        what = argv[0]
        os.execvpe(argv[0], list(argv), dict(env))  # noqa: S606  (no shell on purpose)
    except OSError as error:
        missing = "executable file not found in $PATH" if error.errno == errno.ENOENT else error.strerror
        reason = error.strerror if what == cwd else missing
        os.write(writers[2], f'cannot start "{argv[0]}": {what}: {reason}'.encode(errors="replace")[:4096])
    except BaseException as error:  # the child must never run the keeper's code
        os.write(writers[2], f'cannot start "{argv[0]}": {error}'.encode(errors="replace")[:4096])
    finally:
        os._exit(127)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    defaults = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
    for number in defaults:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _reset_limits() -> None:
    """The keeper needs many open files; its children get what a shell would have given them."""
    soft = os.environ.get("KAGENTS_OPEN_FILES")
    if soft:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), hard))
