"""`keep` of a store: whether the bucket has a rule that removes mail after so many days. It is never changed.

The judge is pure. Rules that cannot be read are said to be unknown. That is no reason to refuse.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from dns.inventory.store.values import AUTO, Store
from provision.desired.archive import LIFECYCLE, PROJECT
from provision.desired.libraries import environment

_SECONDS = 60
_NOWHERE = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}


def look(store: Store, pair: str) -> str:
    """What the bucket does with old mail, beside what `keep` says, in one line.

    Raises DeployError if what reads the rules cannot be installed here.
    """
    first = urlsplit(store.urls[0])
    key, secret = pair.splitlines()
    region = (
        "us-east-1"
        if store.region == AUTO and not first.netloc.endswith("r2.cloudflarestorage.com")
        else store.region
    )
    asked = {
        "endpoint": f"{first.scheme}://{first.netloc}",
        "bucket": store.bucket,
        "region": region,
        "id": key,
        "secret": secret,
    }
    given = environment(LIFECYCLE, "reads the rules of a bucket") | _NOWHERE
    variables = {
        name: value for name, value in given.items() if name not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-S", "-m", "provision.bucket.lifecycle_read"],
            cwd=PROJECT,
            env=variables,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        answer = json.loads(done.stdout)
        return judged(answer["rules"], store) if "rules" in answer else unknown(str(answer["error"]), store)
    except subprocess.TimeoutExpired:
        return unknown(f"no answer in {_SECONDS} s", store)
    except (ValueError, LookupError, TypeError):
        return unknown("there was no answer", store)


def unknown(why: str, store: Store) -> str:
    """What is said if the rules could not be read."""
    return (
        f"keep: it is not known whether the bucket {store.bucket} removes mail after {store.keep} days "
        f"({why}): look at its lifecycle rules; a pair that may read and write objects alone cannot"
    )


def judged(rules: Sequence[Mapping[str, Any]], store: Store) -> str:
    """What these rules do with the mail of this store, beside what `keep` says."""
    days = min(_days(rules, store.prefix), default=None)
    below = f" below {store.prefix}" if store.prefix else ""
    if days == store.keep:
        return f"keep: a rule of the bucket {store.bucket} removes mail after {days} days"
    if days is None:
        return (
            f"keep: no rule of the bucket {store.bucket} removes mail: give it a lifecycle rule that expires "
            f"objects{below} after {store.keep} days, or take keep out"
        )
    return (
        f"keep: a rule of the bucket {store.bucket} removes mail after {days} days, and the inventory says "
        f"{store.keep}: change one of them"
    )


def _days(rules: Sequence[Mapping[str, Any]], prefix: str) -> Iterator[int]:
    """After how many days each rule removes what begins with the prefix. Rules for a part do not count."""
    for rule in rules:
        asked = rule.get("Filter") or {}
        begins = str(rule.get("Prefix") or asked.get("Prefix") or "")
        narrower = set(asked) - {"Prefix"}
        after = (rule.get("Expiration") or {}).get("Days")
        if (
            rule.get("Status") == "Enabled"
            and prefix.startswith(begins)
            and not narrower
            and isinstance(after, int)
        ):
            yield after
