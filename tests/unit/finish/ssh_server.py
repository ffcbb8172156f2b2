"""A real sshd on loopback, for the user that runs the tests and one key."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
LIMIT = 10.0


def needed() -> str:
    """The server's program; without it tests are skipped loudly on a laptop, and fail in CI."""
    if PROGRAM is None:
        assert os.environ.get("CI") != "true", "CI needs sshd: run tools/install-test-packages"
        pytest.skip("no sshd: install it, or run tools/install-test-packages")
    return PROGRAM


def make_key(path: Path) -> Path:
    """An Ed25519 key; its public half lies beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@dataclass
class SshServer:
    """What is needed to reach it."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    key: Path = field(init=False)
    """The private key that opens it."""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.key = make_key(self.folder / "user")
        make_key(self.folder / "host")
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]

    def url(self, repository: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository}"

    @property
    def host_line(self) -> str:
        """What ``known_hosts`` has to say of it."""
        kind, key = (self.folder / "host.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}"

    @property
    def fingerprint(self) -> str:
        told = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(self.folder / "host.pub")],
            check=True,
            capture_output=True,
            text=True,
        )
        return told.stdout.split()[1]

    def change_host_key(self) -> None:
        """Another machine now answers at this address."""
        self.stop()
        for name in ("host", "host.pub"):
            (self.folder / name).unlink()
        make_key(self.folder / "host")
        self.start()

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it
        settings = {
            "ListenAddress": f"127.0.0.1:{self.port}",
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "user.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
        }
        (self.folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        log = (self.folder / "log").open("ab")
        command = [needed(), "-D", "-e", "-f", str(self.folder / "config")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "sshd did not listen in time"
                time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(LIMIT)


@contextmanager
def ssh_served(folder: Path) -> Iterator[SshServer]:
    """It listens while the context lasts."""
    needed()
    server = SshServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
