"""Listening, signals and the end: SIGTERM stops in a bounded time, SIGHUP reads the certificate again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
import socket
from collections.abc import Sequence

from receiver.config.values import Config
from receiver.loop.event_loop import new_loop
from receiver.serving.check import mail_problems
from receiver.serving.tally import Tally
from receiver.serving.workers import Supervisor
from receiver.smtp.admission import Admission
from receiver.smtp.certificate import Certificate
from receiver.smtp.connection import Connection
from receiver.smtp.open_connections import OpenConnections
from receiver.smtp.reception import Reception
from receiver.storage.folders import Folders
from receiver.storage.store import Store
from receiver.storage.writer import Writer
from receiver.storage.writer_process import WriterProcess
from receiver.system import systemd
from receiver.system.journal import in_background, log
from receiver.system.libc import limit_arenas

_BACKLOG = 1024
_SWEEP_EVERY = 3600  # seconds


def run(config: Config, sockets: Sequence[socket.socket]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises OSError or CertificateError at the start."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    raise_file_limit()
    process = WriterProcess(config.mail, sockets)
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
    folders, writer = Folders(config.mail), Writer(channel)
    folders.prepare_mail_folder()
    store = Store(folders, config.hostname, writer=writer)
    with asyncio.Runner(loop_factory=new_loop) as runner, in_background():
        runner.run(_serve(config, sockets, admission, store, writer))
    return 1 if writer.lost else 0


async def _serve(
    config: Config, sockets: Sequence[socket.socket], admission: Admission, store: Store, writer: Writer
) -> None:
    certificate = Certificate(config.tls) if config.tls else None
    reception, connections = Reception(config, store), OpenConnections(admission)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await recover(store)
    await writer.open(stop.set)
    servers = [
        await loop.create_server(
            lambda: Connection(reception, connections, certificate, loop), sock=each, backlog=_BACKLOG
        )
        for each in sockets
    ]
    addresses = ",".join(shown_address(each) for each in sockets)
    for problem in mail_problems(config.mail):
        log("warning", problem=problem, note="mail is put off until it is mended")
    tune_memory()
    log("listening", address=addresses, hostname=config.hostname, mail=config.mail)
    loop.add_signal_handler(signal.SIGHUP, reload, certificate)
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
    await connections.close_all(config.hostname, config.limits.shutdown_timeout)
    await asyncio.gather(sweeping, return_exceptions=True)
    store.close()
    log("stopped")


async def sweep_again_and_again(store: Store) -> None:
    """Remove what other receivers left in tmp/ when they died: at the start, and now and then."""
    while True:
        removed = await store.sweep()
        if removed:
            log("swept", removed=removed)
        await asyncio.sleep(_SWEEP_EVERY)
        await recover(store)


async def recover(store: Store) -> None:
    """Mail that a crash left in the log, before anything else is said of this host's mail."""
    made = await store.recover()
    if made:
        log("recovered", files=made)


def reload(certificate: Certificate | None) -> None:
    """Read the certificate again, now."""
    systemd.notify_reloading()
    if certificate:
        certificate.reload()
    systemd.notify("READY=1")


def tune_memory() -> None:
    """What is there by now stays; what comes is freed by its reference counts, but for a rare cycle."""
    limit_arenas()
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
