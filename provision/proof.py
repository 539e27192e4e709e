"""The name of `first_mail.proof` until version 0.2.0. It goes with the release after that."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    runpy.run_module("first_mail.proof", run_name="__main__", alter_sys=True)
