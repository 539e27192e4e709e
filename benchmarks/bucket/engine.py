"""PUTs without a receiver: the store's own rate, by the library and the calls of `letterbox-bucket`.

`python -m benchmarks.bucket.engine URL KEY SECRET SENDERS OBJECTS OCTETS` makes so many objects of a size,
with SENDERS PUTs under way at any time, and prints the seconds that they took. Every object is new, and is
made only if there is none of its key (`If-None-Match: *`), as each message is.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time

from receiver.bucket import keys
from receiver.bucket.keys import Key
from receiver.mailbox import Mailbox
from services.bucket.configuration import REGION, parse_url
from services.bucket.credentials import KeyPair
from services.bucket.engine import Gateway, attributes


async def put_all(gateway: Gateway, senders: int, objects: int, octets: int) -> float:
    """The seconds that the PUTs took."""
    hour, left = keys.hour(time.time()), iter(range(objects))
    said = attributes(f"{int(time.time())}.M1P1Q1R01234567.mx.example.test", "unknown")

    async def sender() -> None:
        for _ in left:
            key = Key(hour, Mailbox("example.test", "alice"), f"H{secrets.token_hex(20)}")
            await gateway.put_new(str(key), os.urandom(octets), said)

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(senders)))
    return time.perf_counter() - began


def main() -> None:
    url, key, secret, *numbers = sys.argv[1:]
    senders, objects, octets = map(int, numbers)

    async def run() -> float:
        gateway = Gateway(parse_url(url, allow_http=True), REGION, KeyPair(key, secret))
        return await put_all(gateway, senders, objects, octets)

    print(asyncio.run(run()), flush=True)
    os._exit(0)  # The threads of obstore may abort the process while Python ends (seen on busy machines).


if __name__ == "__main__":
    main()
