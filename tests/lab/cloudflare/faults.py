"""The ways in which a request can go wrong, for tests to order beforehand.

`cut_before`: the connection closes, and nothing was done. `cut_during`: the change is made, and half of the
answer arrives. `cut_after`: the change is made, and no answer arrives. `refuse`: an answer with the given
code. `html`: a page in place of JSON. `stall`: nothing is done, and no answer comes as long as the client
waits. `hollow`: the change is made, and the answer is a success that names no record. `unmade`: nothing is
done, and the answer says that it was. `changed`: the request is carried out. For the last two, `change` may
replace the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "cut_before", "cut_during", "cut_after", "refuse", "html", "stall", "hollow", "unmade", "changed"
]
PAGE = "<!DOCTYPE html><html><head><title>Attention Required!</title></head><body></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with the next request whose path ends in `on`; with any, if that is empty."""

    kind: Kind
    on: str = ""
    status: int = 500
    code: int = 10000
    message: str = "Internal error"
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = PAGE
    change: Callable[[dict[str, Any]], object] = lambda body: body
