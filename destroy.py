"""Take everything off the host again, and its records out of the zone: `pyinfra inventory.py destroy.py`.

The order is safe. First the DNS leads nobody to the host any more, then nothing listens there, then its files
go. The mail stays in /var/lib/letterbox, unless `--data remove_mail=mx1.example.com` names the host.
Without a token the records stay, and the run says which. `--limit HOST` takes one host of several away, and
leaves the records of the others.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as in deploy.py

from provision import account, firewalld, heartbeat, old_mail, release, resolver, service, system
from provision.bucket import steps as bucket
from provision.hooks import steps as hooks
from provision.imap import steps as imap
from provision.renewal import steps as renewal
from provision.run.refusal import refusing
from provision.zones import steps as dns

with refusing():
    system.prepare(needed=["firewalld"])
    account.prepare_removal()
    firewalld.prepare_removal()
    dns.prepare_withdrawal()
    bucket.prepare_removal()

dns.withdrawn(name="DNS: our records")
heartbeat.removed(name="Heartbeat, if wanted")
service.removed(name="Units")
bucket.removed(name="Bucket, if wanted")
old_mail.removed(name="Old mail: removed, if wanted")
resolver.removed(name="Resolver, if needed")
hooks.removed(name="Hooks, if wanted")
imap.removed(name="IMAP, if wanted")
firewalld.smtp_closed(name="Firewall: 25/tcp")
renewal.removed(name="Certificate: renewed, if wanted")
release.removed(name="Program and configuration")
account.removed(name="User letterbox, and the mail if asked")
