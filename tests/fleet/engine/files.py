"""The files that make a machine a node of Ceph: its configuration, its keys, and which of its units start.

Each node has a monitor, an OSD (BlueStore on a file) and an S3 gateway, and a metadata server of CephFS
where one is asked for. The first one has the manager, too. A 2xx of the gateway means that all OSDs of the
pool that are in have the object, and at least two (`min_size`): docs.ceph.com, "Pools".
"""

from __future__ import annotations

import base64
import secrets
import struct
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

READY = "/etc/ceph/made"
"""There as soon as the node's OSD has its disk. Its OSD and its gateway start only then."""
SHARED = "/etc/ceph/shared"
"""There as soon as the cluster has a file system. The nodes' metadata servers start only then."""
KEYRING = "/etc/ceph/all.keyring"
GATEWAY_PORT = 8080
Files = Mapping[str, tuple[bytes, int]]  # path to content and mode

_CAPS = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *", "mds": "allow *"},
    "osd": {"mon": "allow profile osd", "mgr": "allow profile osd", "osd": "allow *"},
    "mgr": {"mon": "allow profile mgr", "osd": "allow *", "mds": "allow *"},
    "mds": {"mon": "allow profile mds", "osd": "allow rwx", "mds": "allow *", "mgr": "allow profile mds"},
    "client.rgw": {"mon": "allow rw", "osd": "allow rwx", "mgr": "allow rw"},
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What the nodes of one cluster share, made anew for each: its id, its disks' ids and all its keys."""

    addresses: Sequence[str]
    fsid: str = field(default_factory=lambda: str(uuid.uuid4()))
    keyring: str = ""

    @property
    def numbers(self) -> range:
        return range(1, len(self.addresses) + 1)

    def disk(self, number: int) -> str:
        """The UUID of a node's OSD."""
        return str(uuid.uuid5(uuid.UUID(self.fsid), f"osd.{number - 1}"))


def made_for(addresses: Sequence[str]) -> Identity:
    """A new cluster on nodes with these addresses."""
    numbers = range(1, len(addresses) + 1)
    names = {"mon.": "mon.", "client.admin": "client.admin", "mgr.1": "mgr"}
    names |= {f"osd.{number - 1}": "osd" for number in numbers}
    names |= {f"client.rgw.{number}": "client.rgw" for number in numbers}
    names |= {f"mds.node{number}": "mds" for number in numbers}
    lines = []
    for name, kind in names.items():
        # A key of cephx: its type (AES-256), when it was made (seconds, nanoseconds), its length and octets.
        key = struct.pack("<HIIH", 2, int(time.time()), 0, 32) + secrets.token_bytes(32)
        lines += [f"[{name}]", f"key = {base64.b64encode(key).decode()}"]
        lines += [f'caps {service} = "{caps}"' for service, caps in _CAPS[kind].items()]
    return Identity(addresses, keyring="\n".join(lines) + "\n")


def files(identity: Identity, number: int) -> Files:
    """The files of a node, by its number from 1."""
    units = [f"ceph-mon@{number}", f"ceph-osd@{number - 1}", f"ceph-radosgw@rgw.{number}"]
    units += [f"ceph-mds@node{number}", *(["ceph-mgr@1"] if number == 1 else [])]
    wants = " ".join(f"{unit}.service" for unit in units)
    later = (
        "[Unit]\nConditionPathExists={}\nStartLimitIntervalSec=0\n[Service]\nRestartSec=1\nTimeoutStopSec=1\n"
    )
    first = f"ceph-mon --mkfs -i {number} --keyring {KEYRING} --setuser ceph --setgroup ceph"
    monitor = (
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=1\n"
        f"ExecStartPre=+/bin/sh -c 'test -d /var/lib/ceph/mon/ceph-{number}/store.db || {first}'\n"
    )
    system = "etc/systemd/system"
    return {
        "etc/ceph/ceph.conf": (_configuration(identity).encode(), 0o644),
        KEYRING[1:]: (identity.keyring.encode(), 0o644),
        f"{system}/multi-user.target.d/ceph.conf": (f"[Unit]\nWants={wants}\n".encode(), 0o644),
        f"{system}/ceph-mon@.service.d/lab.conf": (monitor.encode(), 0o644),
        **{
            f"{system}/ceph-{kind}@.service.d/lab.conf": (later.format(there).encode(), 0o644)
            for kind, there in {"osd": READY, "radosgw": READY, "mgr": READY, "mds": SHARED}.items()
        },
    }


def disk_commands(identity: Identity, number: int) -> str:
    """Shell commands that make the node's disk, after the monitors know it, and start what needs it."""
    osd = number - 1
    folders = f"/var/lib/ceph/osd/ceph-{osd} /var/lib/ceph/radosgw/ceph-rgw.{number}"
    units = f"ceph-osd@{osd} ceph-radosgw@rgw.{number}"
    if number == 1:
        folders += " /var/lib/ceph/mgr/ceph-1"
        units += " ceph-mgr@1"
    return (
        f"install -d -o ceph -g ceph {folders} && "
        f"ceph-osd --mkfs -i {osd} --osd-uuid {identity.disk(number)} --setuser ceph --setgroup ceph && "
        f"touch {READY} && systemctl start {units}"
    )


def file_system_commands(number: int) -> str:
    """Shell commands that start the node's metadata server. The file system must be there."""
    folder = f"/var/lib/ceph/mds/ceph-node{number}"
    made = f"install -d -o ceph -g ceph {folder} && touch {SHARED}"
    return f"{made} && systemctl start ceph-mds@node{number}"


FILE_SYSTEM = (
    "set -e; ceph osd pool create fs_meta 8; ceph osd pool create fs_data 8; "
    "ceph fs new mail fs_meta fs_data; "
    # A dead client keeps its locks until its session ends. By default that takes five minutes.
    "ceph fs set mail session_timeout 30; ceph fs set mail session_autoclose 30"
)
"""Shell commands that make the file system. It is done once."""


def _configuration(identity: Identity) -> str:
    monitors = ",".join(f"[v2:{address}:3300]" for address in identity.addresses)
    text = f"""\
[global]
fsid = {identity.fsid}
mon_host = {monitors}
mon_initial_members = {", ".join(map(str, identity.numbers))}
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = {KEYRING}
ms_bind_msgr1 = false
ms_bind_ipv6 = false
osd_pool_default_size = {len(identity.addresses)}
osd_pool_default_min_size = 2
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 500
# A machine that is nearly full is a reason to end the tests, and not to refuse a write of them.
mon_data_avail_warn = 1
mon_data_avail_crit = 0
# A node is found dead within some 6 s instead of 20 s: more rounds fit into the time.
osd_heartbeat_interval = 1
osd_heartbeat_grace = 6
mon_osd_min_down_reporters = 1
osd_objectstore = bluestore
bluestore_block_size = {12 << 30}
osd_memory_target = {1 << 30}
osd_mclock_skip_benchmark = true
osd_op_num_shards = 2
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
"""
    for number, address in enumerate(identity.addresses, 1):
        text += f"[mon.{number}]\npublic_addr = {address}\n"
        text += f"[client.rgw.{number}]\nrgw_frontends = beast endpoint={address}:{GATEWAY_PORT}\n"
    return text
