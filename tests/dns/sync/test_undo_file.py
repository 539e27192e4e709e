"""What a run changes is kept on this machine until another change is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dns import sync
from dns.inventory import load
from dns.sync import undo_file
from tests.dns.example import ROOT, WANTED, Run, only_line, values
from tests.dns.sync.test_undo import change_address
from tests.lab.cloudflare import Fault, StandIn


def unsettled(cloudflare: StandIn, inventory: Path, fault: Fault) -> None:
    """A run whose write fails in this way, and then cannot read the zone either."""
    prepared = sync.prepare(load(inventory), "example.test", {})
    cloudflare.fail_next(fault)
    for _ in range(3):
        cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
    with pytest.raises(sync.SyncError, match="was changed is unknown"):
        sync.apply(prepared)


class TestWhatIsKept:
    """The last change is kept until another is made."""

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("html", on="/batch", status=502),
            Fault("cut_before", on="/batch"),
            Fault("refuse", on="/batch", status=500, code=10000),
            Fault("refuse", on="/batch", status=400, code=81045),
            Fault("unmade", on="/batch", change=lambda body: {**body, "result": {}}),
        ],
        ids=["502", "cut off", "500", "refused", "hollow"],
    )
    def test_a_run_that_changed_nothing_leaves_the_last_change_to_be_undone(
        self, cloudflare: StandIn, run: Run, inventory: Path, fault: Fault
    ) -> None:
        run()
        change_address(inventory)
        cloudflare.fail_next(fault)
        only_line(run())
        assert values(cloudflare) == WANTED
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    def test_a_change_whose_outcome_stays_unknown_takes_nothing_away(
        self, cloudflare: StandIn, run: Run, inventory: Path
    ) -> None:
        run()
        change_address(inventory)
        unsettled(cloudflare, inventory, Fault("cut_before", on="/batch"))
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    def test_a_change_whose_outcome_stays_unknown_is_undone_if_it_was_made(
        self, cloudflare: StandIn, run: Run, inventory: Path
    ) -> None:
        run()
        change_address(inventory)
        unsettled(cloudflare, inventory, Fault("cut_after", on="/batch"))
        assert ("A", "mx1.example.test", "198.18.0.99", None) in values(cloudflare)
        assert run("--undo")[0] == 0
        assert values(cloudflare) == WANTED

    @pytest.mark.parametrize(
        ("comment", "said", "undone"),
        [
            (None, "nothing was changed", "no change to undo is known"),
            ("letterbox example.test", "whether this run did is unknown", "1 of 3 changes can be seen"),
        ],
        ids=["a stranger", "another machine of ours"],
    )
    def test_undoing_a_lost_change_takes_nothing_that_somebody_else_made(
        self, cloudflare: StandIn, run: Run, comment: str | None, said: str, undone: str
    ) -> None:
        def one_is_made(body: dict[str, Any]) -> object:
            a = {"type": "A", "name": "mx1", "content": "198.18.0.25", "comment": comment}
            cloudflare.seed("example.test", a)
            return {}

        cloudflare.fail_next(Fault("unmade", on="/batch", change=one_is_made))
        assert said in only_line(run())
        assert undone in only_line(run("--undo"))
        assert values(cloudflare) == {("A", "mx1.example.test", "198.18.0.25", None)}

    @pytest.mark.parametrize("kind", ["cut_after", "cut_during", "hollow"])
    def test_a_change_whose_answer_was_lost_is_undone(
        self, cloudflare: StandIn, run: Run, inventory: Path, kind: Any
    ) -> None:
        run()
        change_address(inventory)
        cloudflare.fail_next(Fault(kind, on="/batch"))
        assert run()[0] == 0
        assert run("--undo")[0] == 0
        assert values(cloudflare) == WANTED

    def test_a_run_that_was_killed_while_it_changed_is_undone_if_it_was_made(
        self, cloudflare: StandIn, run: Run, inventory: Path
    ) -> None:
        run()
        change_address(inventory)
        killed = (
            "import os, sys\nfrom dns import sync\nfrom dns.cloudflare import zones\n"
            "zones.outcome_from = lambda *_: os._exit(9)\nsync.main(sys.argv[1:])"
        )
        arguments = ["example.test", "--inventory", str(inventory), "--wait", "0"]
        done = subprocess.run([sys.executable, "-c", killed, *arguments], cwd=ROOT, timeout=60, check=False)
        assert done.returncode == 9
        assert ("A", "mx1.example.test", "198.18.0.99", None) in values(cloudflare)
        assert run("--undo")[0] == 0
        assert values(cloudflare) == WANTED

    def test_a_run_that_was_killed_before_it_changed_anything_hides_no_earlier_change(
        self, cloudflare: StandIn, run: Run, own_state: Path
    ) -> None:
        run()
        folder = own_state / "letterbox" / "dns"
        (folder / "example.test.1-1.new").write_text('{"zone": "example.test", "pos')
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    def test_a_change_that_was_made_leaves_no_other_file(
        self, cloudflare: StandIn, run: Run, own_state: Path
    ) -> None:
        folder = own_state / "letterbox" / "dns"
        folder.mkdir(parents=True)
        (folder / "example.test.999999999-1.new").write_text("{}")
        run()
        assert [path.name for path in folder.iterdir()] == ["example.test.json"]
        run("--undo")
        assert list(folder.iterdir()) == []

    def test_a_file_of_another_run_that_is_under_way_is_left_alone(
        self, cloudflare: StandIn, run: Run, own_state: Path
    ) -> None:
        folder = own_state / "letterbox" / "dns"
        folder.mkdir(parents=True)
        other = folder / f"example.test.{os.getppid()}-1.new"
        other.write_text("{}")
        run()
        assert other.exists()

    def test_a_file_of_a_domain_that_begins_as_this_one_is_not_its_own(
        self, cloudflare: StandIn, run: Run, own_state: Path
    ) -> None:
        folder = own_state / "letterbox" / "dns"
        folder.mkdir(parents=True)
        other = folder / "example.test.a-b.com.999999999-1.new"
        other.write_text("{}")
        run()
        assert other.exists()
        assert "example.test.json" in {path.name for path in folder.iterdir()}

    def test_a_change_that_could_not_even_be_sent_leaves_no_file(
        self, cloudflare: StandIn, inventory: Path, own_state: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:99999")
        with pytest.raises(sync.SyncError, match="HTTPS_PROXY"):
            sync.apply(prepared)
        assert list((own_state / "letterbox" / "dns").iterdir()) == []

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            "{}",
            '{"zone": 7}',
            '{"zone": "example.test", "posted": [{}], "patched": [], "deleted": []}',
            '{"zone": "example.test", "posted": [7], "patched": [], "deleted": []}',
            '{"zone": "example.test", "posted": [], "patched": [], "deleted": [{"type": "A", "name": "a.b",'
            ' "content": "1.1.1.1", "priority": "x", "ttl": "y", "proxied": 0, "comment": 1}]}',
        ],
    )
    def test_a_file_that_cannot_be_read_is_named(
        self, cloudflare: StandIn, run: Run, own_state: Path, text: str
    ) -> None:
        run()
        path = own_state / "letterbox" / "dns" / "example.test.json"
        path.write_text(text)
        line = only_line(run("--undo"))
        assert line.startswith(f"{path}: cannot be read")
        assert values(cloudflare) == WANTED

    def test_a_file_of_the_time_before_identifiers_is_still_read(
        self, cloudflare: StandIn, run: Run, own_state: Path
    ) -> None:
        run()
        path = own_state / "letterbox" / "dns" / "example.test.json"
        kept = json.loads(path.read_text())
        old = [{k: v for k, v in each["record"].items() if k != "extras"} for each in kept["posted"]]
        path.write_text(json.dumps({"zone": "example.test", "posted": old, "patched": [], "deleted": []}))
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    def test_the_longest_domain_can_be_kept(self, own_state: Path) -> None:
        domain = ".".join(["a" * 61] * 4)[:246]
        path = undo_file.file_of(domain)
        assert len(path.name) + len(".4194304-140000000000000.new") <= 255
        assert path != undo_file.file_of(domain[:-1] + "b")

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user without a home folder")
    def test_a_user_without_a_home_folder_is_told_what_to_set(self) -> None:
        code = (
            "import os\nfrom dns.sync import undo_file\nfrom dns.errors import SyncError\nos.setuid(54321)\n"
            "try: undo_file.file_of('e.test')\nexcept SyncError as error: print(error)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            timeout=60,
            check=False,
        )
        assert "set XDG_STATE_HOME or HOME" in done.stdout, done.stderr

    def test_a_state_folder_that_is_not_an_absolute_path_is_ignored(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", "state")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert undo_file.file_of("e.test") == tmp_path / ".local/state/letterbox/dns/e.test.json"
