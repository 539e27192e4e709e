"""The step Certificate: a key, the next one, and a certificate of the key in use for STARTTLS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pyinfra.api.command import StringCommand

from provision.host import layout
from provision.host.layout import key_folder
from provision.host.observed import Observed
from provision.run.inventory import mail_host
from provision.run.step import Decision, observe, step
from provision.tls.shell import script

_FOLDER = ("root", layout.USER, "750")
_PUBLIC = ("root", "root", "644")
_IN_USE, _NEXT = ("root", layout.USER, "640"), ("root", "root", "600")


def certificate_commands(seen: Observed, hostname: str) -> Iterator[StringCommand]:
    """Make what is missing and put right what is wrong. A key that can be used always stays.

    The certificate is self-signed, of the key in use and in the host's name, from the first minute. A sender
    that does STARTTLS without DANE or MTA-STS checks neither name nor issuer (RFC 7435; RFC 3207, 4.1), and
    one that does DANE checks the key alone (RFC 7672, 3.1.1), so it does as well as a bought one. A better
    one may take its place. If key and certificate do not belong together, the certificate is made anew.
    """
    actions = [*_in_use(seen, hostname), *_next(seen, hostname)]
    if actions and not seen.tls.readable and layout.KEY in seen.files:
        # Without openssl nobody can tell what the host has. The step Packages installs it before this one.
        yield StringCommand("openssl version")
    elif actions:
        yield script(hostname, actions)


def _in_use(seen: Observed, hostname: str) -> Iterator[str]:
    tls = seen.tls
    certificate = "keep" if seen.certificate_stays(hostname) else "anew"
    if tls.key and _is_in_place(seen):
        if not tls.key.has_request_for(hostname):
            yield "request current"
        if certificate == "anew":
            yield "self_signed current"
        yield from _rights(seen, layout.KEY_IN_USE, _IN_USE)
    elif tls.key:
        yield f"adopt key.pem {key_folder(tls.key.spki)} {certificate}"
    elif tls.spare:
        stays = replace(seen, tls=replace(tls, key=tls.spare)).certificate_stays(hostname)
        yield "set_aside"
        yield f"adopt current/key.pem {key_folder(tls.spare.spki)} {'keep' if stays else 'anew'}"
    elif seen.next_key:
        yield "set_aside"
        yield f"to_next {key_folder(seen.next_key.spki)}"
        if not seen.next_key.has_request_for(hostname):
            yield "request current"
    else:
        yield "first_key"


def _is_in_place(seen: Observed) -> bool:
    """Whether the key in use lies in its folder, and the links lead there."""
    return seen.tls.key is not None and (
        seen.link_to(layout.KEY_IN_USE) == key_folder(seen.tls.key.spki)
        and seen.link_to(layout.KEY) == "current/key.pem"
        and seen.link_to(layout.CERTIFICATE) == "current/certificate.pem"
    )


def _next(seen: Observed, hostname: str) -> Iterator[str]:
    """Actions for the next key. `to_next` of `_in_use` has made one."""
    key, used = seen.next_key, seen.tls.key or seen.tls.spare
    if key and not used:
        return
    if key is None or (used and used.spki == key.spki):
        yield "make_next"
        return
    if not key.has_request_for(hostname):
        yield "request next"
        yield "self_signed next"
    elif f"{layout.NEXT_KEY}/certificate.pem" not in seen.files:
        yield "self_signed next"
    yield from _rights(seen, layout.NEXT_KEY, _NEXT)


def _rights(seen: Observed, folder: str, of_key: tuple[str, str, str]) -> Iterator[str]:
    """Give the folder of a key and the files in it the owners and modes that they should have."""
    wanted = {".": _FOLDER, "key.pem": of_key, "request.pem": _PUBLIC, "certificate.pem": _PUBLIC}
    for name, (user, group, mode) in wanted.items():
        file = seen.files.get(f"{folder}/{name}")
        # The certificate may be a link to that of another unit, whose rights are its own matter.
        if (
            file
            and file.kind != "symbolic link"
            and (file.user, file.group, file.mode) != (user, group, mode)
        ):
            path = f"{folder}/{name}"
            yield f"chown {user}:{group} {path}; chmod {mode} {path}"


def remarks(seen: Observed) -> Iterator[str]:
    """What happens to keys and certificates that the user should know before: a line each."""
    tls = seen.tls
    if not tls.readable:
        return
    if not tls.key and not tls.spare and (layout.KEY in seen.files or layout.CERTIFICATE in seen.files):
        what = "is no key that openssl can use" if layout.KEY in seen.files else "is gone"
        then = (
            "the next key takes its place, whose TLSA record may stand already"
            if seen.next_key
            else "a NEW key is made, and senders that do DANE wait until the TLSA records are those of it"
        )
        aside = " (what is there is kept as key.pem.unusable)" if layout.KEY in seen.files else ""
        yield f"{layout.KEY} {what}{aside}: {then}"
        return
    key = seen.files.get(layout.KEY)
    if tls.key and key and key.target and key.target != "current/key.pem":
        yield (
            f"{layout.KEY} is a link to {key.target}: its key and certificate are copied to "
            f"{layout.KEY_FOLDERS}, and what changes there later is not seen"
        )
    if tls.key and tls.certificate and not tls.key_matches:
        yield (
            f"{layout.CERTIFICATE} does not belong to {layout.KEY}: the key stays, and a self-signed "
            "certificate of it is made"
        )


@step
def certificate() -> Decision:
    """A key, the next one, and a certificate for STARTTLS in the host's name."""
    needed = certificate_commands(observe(), mail_host().hostname)
    return Decision(needed, "key, next key and certificate are as they should be")
