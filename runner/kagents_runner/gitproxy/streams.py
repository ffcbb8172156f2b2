"""One run of git's own server side: fed from a request's body, and read from while it speaks."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

from kagents_runner.gitproxy.bodies import STEP, Body
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.output import say
from kagents_runner.prepare.git import ERROR_TAIL, Git, collect, end

ANSWER_LIMIT: Final = 256 * 1024
"""Bytes of what git answers to a push: one line for each reference."""


def advertised(mirror: Mirror, service: str, protocol: str) -> AsyncGenerator[bytes, None]:
    """What there is, as ``service`` (``upload-pack`` or ``receive-pack``) tells it."""
    return _run(mirror, service, protocol, None, "--advertise-refs")


def uploaded(mirror: Mirror, protocol: str, body: Body) -> AsyncGenerator[bytes, None]:
    """The answer to what a fetch asks."""
    return _run(mirror, "upload-pack", protocol, body)


async def received(mirror: Mirror, beginning: bytes, body: Body) -> bytes:
    """Git's answer to a push whose beginning has been read already."""
    answer = bytearray()
    async with aclosing(_run(mirror, "receive-pack", "", body, beginning=beginning)) as said:
        async for chunk in said:
            answer += chunk[: ANSWER_LIMIT - len(answer)]
    return bytes(answer)


async def _run(
    mirror: Mirror, service: str, protocol: str, body: Body | None, *options: str, beginning: bytes = b""
) -> AsyncGenerator[bytes, None]:
    extra: Mapping[str, str] = {"GIT_PROTOCOL": protocol} if protocol else {}
    git = Git(mirror.environment, extra)
    stdin = asyncio.subprocess.DEVNULL if body is None else asyncio.subprocess.PIPE
    process = await git.start(service, "--stateless-rpc", *options, str(mirror.directory), stdin=stdin)
    assert process.stdout is not None and process.stderr is not None
    errors = asyncio.create_task(collect(process.stderr, ERROR_TAIL, tail=True))
    feeding = asyncio.create_task(_feed(process, beginning, body)) if body is not None else None
    try:
        while chunk := await process.stdout.read(STEP):
            yield chunk
        if feeding is not None:
            await feeding
        if await process.wait():
            say(f"git {service}: {(await errors).decode(errors='replace').strip()[-500:]}", "debug")
    finally:
        for task in (feeding, errors):
            if task is not None:
                task.cancel()
        await end(process)
        await asyncio.gather(*(task for task in (feeding, errors) if task), return_exceptions=True)


async def _feed(process: asyncio.subprocess.Process, beginning: bytes, body: Body) -> None:
    """Hands the body on; git may have heard enough before its end. Whatever happens, git is not kept waiting:
    it takes back by itself what it has of a push that breaks off.
    """
    assert process.stdin is not None
    try:
        chunk = beginning or await body.some()
        while chunk and await _heard(process.stdin, chunk):
            chunk = await body.some()
    finally:
        process.stdin.close()
    await body.drop()


async def _heard(stdin: asyncio.StreamWriter, chunk: bytes) -> bool:
    """Whether git still listens."""
    try:
        stdin.write(chunk)
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True
