"""The rules of the house, as tables: which room may import what, and how large modules and folders may be."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LONGEST_MODULE = 250  # lines
MOST_FILES = 16  # in a folder
FEWEST_MODULES = 3  # in a folder, `__init__.py` not counted


@dataclass(frozen=True)
class Room:
    """A top-level folder or module. Each place in it, a folder or a module, may import only lower layers.

    `layers` go from the top down. Places of the same layer may not import each other. Without layers the
    places may import each other in any direction. `knows` are the other rooms that this one may import.
    `libraries` are the packages that it may import besides the standard library, or None for any.
    """

    name: str
    layers: tuple[tuple[str, ...], ...] = ()
    knows: frozenset[str] = frozenset()
    libraries: frozenset[str] | None = frozenset()


def _libraries(group: str = "") -> frozenset[str]:
    """The dependencies of a group of the project, by the name of their import. By default the receiver's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = project["dependency-groups"][group] if group else project["project"]["dependencies"]
    return frozenset(re.split(r"[^\w-]", each)[0].replace("-", "_") for each in found)


ROOMS = (
    Room("inventory"),
    Room("config", knows=frozenset({"provision"})),
    Room("deploy", knows=frozenset({"provision"})),
    Room("destroy", knows=frozenset({"provision"})),
    Room("rekey", knows=frozenset({"provision"})),
    Room("renew", knows=frozenset({"provision"})),
    Room("rollback", knows=frozenset({"provision"})),
    Room(
        "dns",
        (
            ("sync",),
            ("check", "dane"),
            ("terminal",),
            ("world", "cloudflare"),
            ("desired", "plan"),
            ("caa",),
            ("inventory",),
            ("mta_sts",),
            ("until",),
            ("records",),
            ("names", "errors", "state_folder", "tlsa"),
        ),
        knows=frozenset({"services"}),  # DNS_KNOWS says what of it
        libraries=frozenset({"cloudflare", "cryptography", "dnspython", "httpx", "idna", "rich"}),
    ),
    Room(
        "receiver",
        (
            ("__main__",),
            ("heartbeat", "proof"),
            ("serving",),
            ("doctor", "importing", "tls_reports", "transfer"),
            ("hooks", "imap", "reading", "smtp"),
            ("checks", "content", "keeping", "spam_filter", "storage"),
            ("cli", "config", "loop"),
            ("bucket_queue",),
            ("bucket", "headers", "hook_queue", "loaded", "one_time", "recipients", "system"),
            ("addresses", "mailbox", "maildir", "parameters"),
            ("encoded_words",),
            ("charsets", "validity"),
        ),
        libraries=_libraries(),
    ),
    Room(
        "provision",
        (
            ("imap",),
            ("bucket", "heartbeat", "hooks", "old_mail", "renewal", "resolver", "service", "system"),
            ("generation",),
            ("withdrawal",),
            ("account", "configuration", "firewalld", "release", "tls", "zones"),
            ("firewalld_start", "refusals"),
            ("desired",),
            ("run",),
            ("host",),
        ),
        knows=frozenset({"dns"}),
        libraries=frozenset({"botocore", "click", "idna", "pyinfra", "tomli_w"}),
    ),
    Room(
        "services",
        knows=frozenset({"receiver"}),  # KNOWN says which of them, and what of it
        libraries=_libraries("renewal") | _libraries("resolver") | _libraries("hooks") | _libraries("bucket"),
    ),
    Room(
        "first_mail",
        (
            ("proof",),
            ("display", "doctor"),
            ("message_path", "port25_counter", "vantage"),
            ("ssh",),
        ),
        knows=frozenset({"dns", "provision", "receiver"}),
        libraries=frozenset({"segno"}),
    ),
    Room(
        "benchmarks",
        knows=frozenset({"dns", "provision", "receiver", "services", "tests"}),
        libraries=frozenset({"cryptography", "rich"}),
    ),
    Room(
        "tests",
        knows=frozenset({"benchmarks", "dns", "first_mail", "provision", "receiver", "services"}),
        libraries=None,
    ),
)

DNS_KNOWS = "services.hooks.url.addresses"
"""What `dns` may import of the services: which addresses a hook may post to, as the inventory checks it."""

KNOWN = {
    "services.bucket": (
        "receiver.bucket",
        "receiver.config.tables",
        "receiver.mailbox",
        "receiver.system",
    ),
    "services.hooks": (
        "receiver.addresses",
        "receiver.config.tables",
        "receiver.content",
        "receiver.headers",
        "receiver.hook_queue",
        "receiver.mailbox",
        "receiver.reading",
        "receiver.system.journal",
    ),
}
"""What a service may import of the receiver. A service that is not here may import nothing of it."""


def rooms_of(root: Path) -> set[str]:
    """The names of the top-level modules, and of the top-level folders that hold Python."""
    folders = {
        path.name for path in root.iterdir() if not path.name.startswith(".") and any(path.glob("**/*.py"))
    }
    return folders | {path.stem for path in root.glob("*.py")}
