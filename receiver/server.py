"""Listening, signals and the end: SIGTERM stops in a bounded time, SIGHUP reads the certificate again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import resource
import signal
import socket
from collections.abc import Sequence

from receiver import systemd
from receiver.admission import Admission
from receiver.certificate import Certificate
from receiver.check import mail_problems
from receiver.commands import SMTP
from receiver.config import Config
from receiver.journal import in_background, log
from receiver.libc import few_arenas
from receiver.reception import Reception
from receiver.storage import writer
from receiver.storage.maildir import Store
from receiver.storage.writer import Writer
from receiver.tally import Tally
from receiver.workers import Supervisor

_BACKLOG = 1024
_SILENCE = 0.5  # seconds without a command after which a shutdown waits for a sender no longer
_LAST_WORK = 5.0  # seconds more that a shutdown waits for work that nobody waits for any longer
_SWEEP_EVERY = 3600  # seconds


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which takes a third less CPU for a message; asyncio's own where it cannot be had."""
    try:
        loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    except (ImportError, OSError):
        return asyncio.new_event_loop()
    return loop


def run(config: Config, sockets: Sequence[socket.socket]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises OSError or CertificateError at the start."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    raise_file_limit()
    process = writer.Process(lambda: Store(config.mail, config.hostname), sockets)
    if config.workers == 1:
        try:
            return _run(config, sockets, Admission(config.limits), process.channel())
        finally:
            process.end()
    tally = Tally(config.workers)
    supervisor = Supervisor(config.workers, tally, sockets, process)
    worker = supervisor.worker()
    if worker is None:
        process.end()
        return supervisor.code
    return _run(config, sockets, Admission(config.limits, tally.of(worker.number)), worker.channel)


def _run(
    config: Config, sockets: Sequence[socket.socket], admission: Admission, channel: socket.socket
) -> int:
    store = Store(config.mail, config.hostname)
    store.settle()
    store.writer = Writer(channel)
    with asyncio.Runner(loop_factory=new_loop) as runner, in_background():
        runner.run(_serve(config, sockets, admission, store, store.writer))
    return 1 if store.writer.lost else 0


async def _serve(
    config: Config, sockets: Sequence[socket.socket], admission: Admission, store: Store, writer: Writer
) -> None:
    certificate = Certificate(config.tls) if config.tls else None
    reception = Reception(config, store, certificate, admission)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await store.run(lambda: recover(store))
    await writer.open(stop.set)
    servers = [
        await loop.create_server(lambda: SMTP(reception, loop), sock=each, backlog=_BACKLOG)
        for each in sockets
    ]
    addresses = ",".join(shown_address(each) for each in sockets)
    for problem in mail_problems(config.mail):
        log("warning", problem=problem, note="mail is put off until it is mended")
    tune_memory()
    log("listening", address=addresses, hostname=config.hostname, mail=config.mail)
    loop.add_signal_handler(signal.SIGHUP, reload, reception)
    systemd.notify("READY=1", f"STATUS=Receiving mail on {addresses}")
    sweeping = loop.create_task(sweep_again_and_again(store))
    await stop.wait()
    sweeping.cancel()
    systemd.notify("STOPPING=1")
    for each in sockets:
        loop.remove_reader(each)
    # What has just been accepted must become a session first: a closed Server drops it.
    await asyncio.sleep(0.05)
    for server in servers:
        server.close()
    await dismiss(reception)
    await asyncio.gather(sweeping, return_exceptions=True)
    store.close()
    log("stopped")


async def sweep_again_and_again(store: Store) -> None:
    """Remove what other receivers left in tmp/ when they died: at the start, and now and then."""
    while True:
        await store.run(store.settle)
        removed = await store.run(store.sweep)
        if removed:
            log("swept", removed=removed)
        await asyncio.sleep(_SWEEP_EVERY)
        await store.run(lambda: recover(store))


def recover(store: Store) -> None:
    """Mail that a crash left in the log, before anything else is said of this host's mail."""
    made = store.recover()
    if made:
        log("recovered", files=made)


def reload(reception: Reception) -> None:
    """Read the certificate again, now."""
    systemd.notify_reloading()
    if reception.certificate:
        reception.certificate.reload()
    systemd.notify("READY=1")


async def dismiss(reception: Reception) -> None:
    """Let conversations and messages under way come to their end, for a while; say 421 to the silent.

    The listening sockets are systemd's, and new connections wait in them: a sender that is not idle
    notices nothing of a restart.
    """
    farewell = f"421 4.3.2 {reception.config.hostname} is shutting down, try again later"
    now = asyncio.get_running_loop().time
    until = now() + reception.config.limits.shutdown_timeout
    while reception.sessions or reception.tasks:
        over = now() >= until
        for session in tuple(reception.sessions):
            silent = not session.in_message and now() - session.heard > _SILENCE
            if not session.closing and (over or silent):
                session.reply(farewell)
                session.close()
            if over and session.transport:
                session.transport.abort()
        if now() >= until + _LAST_WORK:
            # A disk that does not answer. Nothing of this was answered 250, so the senders will try again.
            log(
                "error", error="work is still under way", tasks=len(reception.tasks), note="ending without it"
            )
            return
        await asyncio.sleep(0.02)


def tune_memory() -> None:
    """What is there by now stays; what comes is freed by its reference counts, but for a rare cycle."""
    few_arenas()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def raise_file_limit() -> None:
    """As many open files as the system lets us: one a connection, and one a message."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != most:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def shown_address(each: socket.socket) -> str:
    name = each.getsockname()
    if not isinstance(name, tuple):
        return str(name)
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
