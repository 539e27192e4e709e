"""The form in which something is run on a host, through real shells."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from dns.inventory.host_shell import answer, through_any_shell


@pytest.mark.parametrize("shell", ["sh", "bash", "fish", "csh", "tcsh", "zsh"])
def test_a_script_and_its_input_reach_sh_whole_through_every_login_shell(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    odd = "printf '%s\\n' \"it's\" '\\\\' '!x' \"$((1 + 1))\"\necho '$HOME \"'\ncat"
    line = through_any_shell(odd)
    done = subprocess.run([shell, "-c", line], input="given\n", capture_output=True, text=True, check=True)
    assert answer(done.stdout).splitlines() == ["it's", "\\\\", "!x", "2", '$HOME "', "given"]


def test_a_greeting_is_no_part_of_the_answer() -> None:
    line = f"echo Welcome; {through_any_shell('echo yes')}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert answer(done.stdout) == "yes\n"


@pytest.mark.parametrize(
    ("printed", "said"),
    [("", "ran nothing"), ("Welcome!\nThis account is closed.\n", "printed 'Welcome!': see that `ssh HOST")],
)
def test_a_script_that_did_not_run_has_no_answer(printed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        answer(printed)
