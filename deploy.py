"""From a bare host to one that receives mail: `pyinfra inventory.py deploy.py`, top to bottom.

Every step decides from what the host is, so the next run completes one that was cut off anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

# pyinfra appends this folder to sys.path, behind dnspython, whose `dns` would then be taken for ours.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from provision import (
    account,
    configuration,
    firewalld,
    firewalld_start,
    heartbeat,
    old_mail,
    release,
    resolver,
    service,
    system,
)
from provision.bucket import steps as bucket
from provision.hooks import steps as hooks
from provision.imap import steps as imap
from provision.renewal import steps as renewal
from provision.run.refusal import refusing
from provision.tls import certificate
from provision.withdrawal import guard
from provision.zones import steps as dns

# Before anything is changed, these check that the inventory is right, that this deploy can work on the host
# and its zones, and that nothing is given up that mail is still led to.
with refusing():
    system.prepare()
    dns.prepare()
    renewal.prepare()
    heartbeat.prepare()
    hooks.prepare()
    imap.prepare()
    guard.prepare()
    bucket.prepare()

system.packages(name="Packages")
firewalld_start.running(name="Firewall: running, if wanted")
firewalld.smtp_open(name="Firewall: 25/tcp")
account.account(name="User letterbox")
configuration.folders(name="Folders")
release.unpacked(name="Release, unpacked")
certificate.certificate(name="Certificate")
bucket.served(name="Bucket, if wanted")
configuration.written(name="Configuration")
release.current(name="Release, current")
service.units(name="Units")
service.running(name="Service")
bucket.moved(name="Bucket: sent and fetched")
resolver.there(name="Resolver, if needed")
old_mail.removed_daily(name="Old mail: removed, if wanted")
imap.there(name="IMAP, if wanted")
service.superseded(name="Superseded generations")
hooks.in_place(name="Hooks, if wanted")
renewal.renewed(name="Certificate: renewed, if wanted")
heartbeat.there(name="Heartbeat, if wanted")

dns.in_sync(name="DNS")
