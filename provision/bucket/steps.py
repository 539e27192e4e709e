"""The steps about the bucket: tried first, brought before the receiver needs it, taken away after it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from weakref import WeakKeyDictionary

from pyinfra import context, logger
from pyinfra.api.exceptions import DeployError
from pyinfra.api.state import State

from dns.inventory.store.values import Store
from provision.bucket import backlog, key, lifecycle, trial, units
from provision.bucket.links import problem, summary
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.bucket import WantedBucket, bucket_toml, unit_texts
from provision.host import layout, probe
from provision.host.observed import Observed
from provision.run.inventory import inventory, mail_host, named_in_run
from provision.run.step import Command, Decision, observe, step, untouched

_tried: WeakKeyDictionary[State, str] = WeakKeyDictionary()
"""What was wrong when the bucket was tried from here, once a run."""
_trying = Lock()

# Whether the host has a message. Mailboxes whose names begin with a dot are our own, for proofs.
_HAS_MAIL = (
    f"find {layout.MAIL} -mindepth 4 -maxdepth 4 -type f ! -path '{layout.MAIL}/*/.*' "
    "\\( -path '*/new/*' -o -path '*/cur/*' \\) -print -quit 2>/dev/null; true"
)


def prepare() -> None:
    """Try the bucket from here and from this host, before anything is touched, and say which promise holds.

    Raises DeployError if the bucket does not take mail as it must, or if that is not known.
    """
    store, host, seen = inventory().store, context.host, observe()
    _say_promise(store)
    now = seen.served.promise if seen.served else ""
    for line in backlog.changes(seen.bucket, now, store, pulls=_pulls(store)):
        logger.info(f"{host.print_prefix}{line}")
    if store is None:
        return
    problems = [*filter(None, [key.problem()]), *_refused(store, seen, now)]
    if not problems and key.given() is None and not seen.bucket.key:
        problems = [f"it has no key pair for the bucket yet: deploy with {key.ID} and {key.SECRET} set"]
    if not problems and not seen.python:
        problems = [
            "the bucket cannot be tried from it, because it has no Python: install python3 there first"
        ]
    if problems:
        raise DeployError(untouched(problems))
    _try_from_here(store)
    answer = trial.from_host(seen, _wanted(store, seen))
    if found := problem(answer):
        raise DeployError(untouched([f"the bucket {store.bucket}, tried from this host: {found}"]))
    logger.info(f"{host.print_prefix}the bucket {store.bucket}, tried from this host: {summary(answer)}")


def _say_promise(store: Store | None) -> None:
    """Once for all hosts."""
    ready = context.state.inventory.get_active_hosts()
    line = backlog.fleet_line(store, len(inventory().hosts))
    if line and ready and context.host.name == ready[0].name:
        logger.info(line)


def _refused(store: Store, seen: Observed, now: str) -> Iterator[str]:
    """Why this host may not go to the promise of the bucket yet."""
    host = context.host
    if not backlog.going_to_bucket(now, store):
        return
    has_mail = False
    if layout.MAIL in seen.files and not seen.bucket.pushed:
        from pyinfra.facts.server import Command as Output  # late: few deploys need it

        has_mail = bool(host.get_fact(Output, command=probe.wrapped(_HAS_MAIL)))
    left = backlog.backlog(seen.bucket, has_mail=has_mail)
    if left and host.name not in named_in_run(host, backlog.SWITCH):
        yield backlog.refusal(host.name, now, left, has_bucket=bool(seen.bucket.units))
    elif left:
        logger.warning(f"{host.print_prefix}{left}: it stays on this host's disk alone")


def _try_from_here(store: Store) -> None:
    """Once a run. Without a key pair in the environment it is not tried, and that is said."""
    run, pair = context.ctx_state.get(), key.given()
    with _trying:  # pyinfra prepares all hosts at the same time
        if run not in _tried:
            if pair is None:
                logger.info(f"the bucket {store.bucket} is not tried from here, because {key.ID} is not set")
                _tried[run] = ""
            else:
                answer = trial.from_here(bucket_toml(store), pair)
                _tried[run] = problem(answer)
                if not _tried[run]:
                    logger.info(f"the bucket {store.bucket}, tried from here: {summary(answer)}")
                    if store.keep is not None:
                        logger.info(lifecycle.look(store, pair))
    if found := _tried[run]:
        raise DeployError(f"the bucket {store.bucket}, tried from here: {found}. Nothing was changed.")


def _pulls(store: Store | None) -> bool:
    return store is not None and context.host.name in store.pull


def _wanted(store: Store, seen: Observed) -> WantedBucket:
    """What this host should have."""
    texts = unit_texts(pulls=_pulls(store), heartbeat=mail_host().heartbeat is not None)
    program = archive.digest(Platform(seen.python, seen.machine), archive.BUCKET)
    return WantedBucket(texts, bucket_toml(store), program, key.given())


@step
def served() -> Decision:
    """The service with the key answers, if the inventory has a store."""
    store, seen = inventory().store, observe()
    if store is None:
        return Decision((), "the inventory has no store for it")
    needed = units.service_commands(seen, _wanted(store, seen))
    return Decision(needed, "the service of the bucket is as it should be")


@step
def moved() -> Decision:
    """Mail goes to the bucket and comes from it. Without a store there is nothing of it."""
    store, seen = inventory().store, observe()
    if store is None:
        needed = units.removal_commands(seen.bucket, pulls=True)
        return Decision(needed, "the inventory has no store for it")
    needed = units.moving_commands(seen, _wanted(store, seen))
    return Decision(needed, "mail goes to the bucket and comes from it as it should")


def prepare_removal() -> None:
    """Look at what waits for the bucket, before a host goes. Raises DeployError if its mail is to go too."""
    host, seen = context.host, observe()
    waiting = backlog.waiting(seen.bucket.pending)
    if not waiting:
        return
    goes = host.data.get("remove_mail") == host.name
    if goes and host.name not in named_in_run(host, backlog.SWITCH):
        fix = f"wait until `letterbox push` has sent it, or add --data {backlog.SWITCH}={host.name}"
        raise DeployError(untouched([f"remove_mail names it, and {waiting}, which would be lost: {fix}"]))
    logger.warning(f"{host.print_prefix}{waiting}")


@step
def removed() -> Decision:
    """There is no unit of the bucket. The mail in the bucket stays there."""
    needed: Iterator[Command] = units.removal_commands(observe().bucket, pulls=False)
    return Decision(needed, "there is no unit of the bucket")
