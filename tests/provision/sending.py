"""Another machine that sends to a deployed host all the time, while something is done to the host."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from provision.host import layout
from tests.lab.lab import Lab
from tests.lab.machines.machine import DEADLINE

MAILDIR = f"{layout.MAIL}/example.test/alice"
SENDER = r"""
import hashlib, json, smtplib, ssl, sys, threading, uuid
address, recipient = sys.argv[1:]
acknowledged, later, refused, shown, done = [], [], [], set(), threading.Event()
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
def send():
    while not done.is_set():
        mark = uuid.uuid4().hex
        content = f"Message-ID: <{mark}@upgrade.test>\r\n\r\nx\r\n"
        try:
            with smtplib.SMTP(address, 25, "sender.test", timeout=60) as smtp:
                smtp.starttls(context=tls)
                certificate = smtp.sock.getpeercert(binary_form=True)
                smtp.sendmail("stranger@sender.test", [recipient], content)
                acknowledged.append(mark)
                shown.add(hashlib.sha256(certificate).hexdigest())
        except smtplib.SMTPResponseException as error:
            (later if error.smtp_code == 421 else refused).append(repr(error))
        except (OSError, smtplib.SMTPException) as error:
            refused.append(repr(error))
threads = [threading.Thread(target=send) for _ in range(3)]
for each in threads: each.start()
sys.stdin.read()
done.set()
for each in threads: each.join()
print(json.dumps({"acknowledged": acknowledged, "later": later, "refused": refused, "shown": [*shown]}))
"""


@contextmanager
def sending(lab: Lab) -> Iterator[dict[str, Any]]:
    """The world sends to alice over STARTTLS all the time. Afterwards the value has the outcome.

    `acknowledged` are the marks of messages that were answered 250, `later` the replies 421, `refused` every
    other failure, and `shown` the certificates that were seen, by the SHA-256 of their DER.
    """
    outcome: dict[str, Any] = {}
    command = ["python3", "-c", SENDER, lab.target.ipv4, "alice@example.test"]
    with subprocess.Popen(
        ["ssh", "-F", str(lab.ssh_config), lab.world.name, shlex.join(command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield outcome
            answer, _ = process.communicate(timeout=DEADLINE)
            outcome.update(json.loads(answer))
        finally:
            process.kill()


def stored(lab: Lab) -> Counter[str]:
    """How often each mark is in the Maildir."""
    find = f"grep -rhE '^Message-ID: <[0-9a-f]{{32}}@upgrade.test>' {MAILDIR}/new {MAILDIR}/cur"
    return Counter(re.findall(r"<(\w+)@", lab.target.run(find, check=False).stdout))


def served_key(lab: Lab) -> str:
    """The SHA-256 of the public key that port 25 serves, as in a TLSA record 3 1 1."""
    show = "openssl s_client -starttls smtp -connect 127.0.0.1:25 </dev/null 2>/dev/null"
    spki = "openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"
    return lab.target.run(f"{show} | {spki}").stdout.split()[0]
