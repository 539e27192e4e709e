"""Whether a name in the configuration is a domain name."""

from __future__ import annotations

from receiver.addresses import AddressError, parse_address


def domain_problem(name: str) -> str | None:
    """What is wrong with a domain name; None if it is good. It must be in lower case and A-labels."""
    if not name.isascii():
        return f"write it in its A-label form: {name.encode('idna').decode()!r}"
    try:
        address = parse_address(f"postmaster@{name}")
    except AddressError:
        return f"{name!r} is not a domain name"
    if name.startswith("[") or "_" in name:
        return f"{name!r} is not a domain name"
    return (
        None if address.domain == name else f"write it in lower case, without a final dot: {address.domain!r}"
    )
