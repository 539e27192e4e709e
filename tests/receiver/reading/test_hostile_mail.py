"""No message breaks a reading command or takes it long. The samples are CPython's test messages and worse."""
# ruff: noqa: E501

from __future__ import annotations

import base64
import json
import random
import resource
import subprocess
from pathlib import Path

import pytest

from receiver import charsets, encoded_words, headers
from receiver.content import content, mime
from tests.receiver.hostile_growth import GENERATORS
from tests.receiver.processes import ROOT
from tests.receiver.stored_mail import Mail

SECONDS = 10
"""Of CPU, for one command; then the kernel ends it. The slowest of these takes 2 s for one message; how time
grows with size is measured by `python -m tests.receiver.hostile_growth`."""
MEMORY = 400 * 1024 * 1024


def _nested(depth: int) -> bytes:
    opening = "".join(
        f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(depth)
    )
    return (
        f"Content-Type: multipart/mixed; boundary=b0\r\n\r\n{opening}--b{depth}\r\n\r\ndeepest\r\n"
    ).encode()


def _parts(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * count + b"--b--\r\n"


BODY = b"\r\n\r\nthe text\r\n"
HOSTILE = {
    "empty": b"",
    "no-header": b"\r\nonly text\r\n",
    "no-blank-line": b"Subject: x\r\nFrom: y",
    "not-a-header": b"\xff\xfe\x00\x01" * 500,
    "nested-10000": _nested(10_000),
    "nested-100": _nested(100),
    "parts-100000": _parts(100_000),
    "one-boundary-everywhere": b'Content-Type: multipart/mixed; boundary=""' + b"\r\n\r\n" + b"--\r\n" * 500_000,
    "boundary-of-specials": b'Content-Type: multipart/mixed; boundary="(.*)+[\\\\"\r\n\r\n--(.*)+[\\\r\n\r\nx\r\n',
    "boundary-in-its-own-part": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n--a--\r\n",
    "boundary-never-seen": b"Content-Type: multipart/mixed; boundary=zz" + BODY,
    "header-10-mb-one-line": b"Subject: " + b"x" * 10_000_000 + BODY,
    "header-10-mb-folded": b"Subject: x" + b"\r\n y" * 2_500_000 + BODY,
    "header-10-mb-of-fields": b"A: b\r\n" * 1_700_000 + b"Subject: late" + BODY,
    "header-of-words": b"Subject: " + b"=?utf-8?Q?=41?= " * 50_000 + BODY,
    "header-of-half-words": b"Subject: " + b"=?" * 200_000 + BODY,
    "header-of-question-marks": b"Subject: =?utf-8?Q?" + b"?" * 200_000 + BODY,
    "parameters": b"Content-Type: text/plain" + b'; x="' * 100_000 + BODY,
    "parameters-in-pieces": b"Content-Type: text/plain; " + b"".join(b"name*%d*=%%41;" % n for n in range(5000)) + BODY,
    "parameter-percent": b"Content-Disposition: attachment; filename*=utf-8''%ZZ%4%" + BODY,
    "parameter-of-no-charset": b"Content-Disposition: attachment; filename*=x'y'z" + BODY,
    "charset-unknown": b"Content-Type: text/plain; charset=klingon\r\n\r\n\xe9t\xe9\r\n",
    "charset-wrong": b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xe9\xff\xfe\r\n",
    "charset-no-text": b"Content-Type: text/plain; charset=zlib\r\n\r\nx\r\n",
    "charset-nul": b'Content-Type: text/plain; charset="\0"\r\n\r\n\xe9\r\n',
    "charset-idna": b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * 1_000_000 + b".b",
    "charset-punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 1_000_000,
    "charset-escape": b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\N{bogus}\\x\r\n",
    "charset-utf16": b"Content-Type: text/plain; charset=utf-16\r\n\r\nodd",
    "charset-module": b"Content-Type: text/plain; charset=../../os\r\n\r\n\xe9\r\n",
    "words-of-wrong-charset": b"Subject: =?klingon?Q?=E9?= =?utf-8?B?/////w?= =?x?B?!!!!?=" + BODY,
    "surrogates": b"Content-Type: text/plain; charset=utf-7\r\nSubject: =?utf-7?Q?+2AA-?=\r\n\r\n+2AA-\r\n",
    "base64-truncated": b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQh" * 3 + b"A",
    "base64-of-nothing": b"Content-Transfer-Encoding: base64\r\n\r\n====\r\n\xff\xff\r\n",
    "quoted-printable-broken": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=\r=4" + b"=" * 100_000,
    "html-unclosed": b"Content-Type: text/html\r\n\r\n" + b"<style" * 300_000,
    "html-opened": b"Content-Type: text/html\r\n\r\n" + b"<script>" * 250_000 + b"</scrip",
    "html-entities": b"Content-Type: text/html\r\n\r\n" + b"&#x110000;&#0;&nosuch;" * 80_000,
    "html-breaks": b"Content-Type: text/html\r\n\r\n" + b"<br" * 600_000,
    "spaces": b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b" \t\r\n" * 500_000,
    "nul": b"Subject: a\0b\r\n\r\n\0\0\0\r\n",
    "bare-cr": b"Subject: a\rFrom: b\r\rtext\r",
    "marks": "Subject: e{}\r\n\r\nx\r\n".format("\u0301" * 7000).encode(),
    "line-of-25-mb": b"\r\n" + b"From " * 5_000_000,
}  # fmt: skip


def cpythons() -> list[Path]:
    """CPython's email test messages, where this Python came with its tests."""
    import importlib.util

    found = importlib.util.find_spec("test")
    folders = found.submodule_search_locations if found else []
    return [path for folder in folders or [] for path in sorted(Path(folder).glob("test_email/data/*"))]


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Mail:
    mail = Mail(tmp_path_factory.mktemp("corpus"))
    for octets in HOSTILE.values():
        mail.store(octets)
    for path in cpythons():
        mail.store(path.read_bytes())
    generator = random.Random(7)
    samples = [*(each for each in HOSTILE.values() if 0 < len(each) < 5000), *(b"Subject: x" + BODY,)]
    for _ in range(100):
        mutated = bytearray(generator.choice(samples))
        for _ in range(generator.randrange(1, 20)):
            mutated[generator.randrange(len(mutated))] = generator.randrange(256)
        mail.store(bytes(mutated))
    return mail


def _run(mail: Mail, command: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    done = mail.letterbox(command, *arguments, preexec_fn=_limit)
    assert done.returncode == 0, (done.returncode, done.stderr.decode()[-2000:])
    assert done.stderr == b""
    return done


def test_list_and_export_survive_hostile_mail(corpus: Mail) -> None:
    listed = _run(corpus, "list", "--json", "-n", "1000").stdout.splitlines()
    assert len(listed) >= len(HOSTILE) + 100
    for line in listed:
        json.loads(line)
    _run(corpus, "list", "--text", "-n", "1000").stdout.decode()
    _run(corpus, "wait", "--text", "--since", "7200", "--timeout", "0")
    exported = _run(corpus, "export").stdout
    assert exported.count(b"\nFrom zoe@sender.test ") == len(listed) - 1


@pytest.mark.parametrize("name", HOSTILE)
def test_show_survives_hostile_mail_in_bounded_time(name: str, tmp_path: Path) -> None:
    mail = Mail(tmp_path)
    mail.store(HOSTILE[name])
    _run(mail, "show", "--text", "--headers").stdout.decode()


@pytest.mark.parametrize("name", GENERATORS)
def test_show_takes_bounded_time_and_memory_for_mail_of_any_size(name: str, tmp_path: Path) -> None:
    mail = Mail(tmp_path)
    mail.store(GENERATORS[name](24 << 20 if name.startswith("near") else 4 << 20))
    _run(mail, "show", "--json")


def test_any_octets_are_parsed_without_an_exception(corpus: Mail) -> None:
    """All of the corpus, whole and truncated anywhere, in one process."""
    generator = random.Random(11)
    for path in sorted((corpus.folder / "example.test/alice/new").iterdir()):
        octets = path.read_bytes()
        if len(octets) > 20_000:
            continue
        for _ in range(10):
            cut = octets[: generator.randrange(len(octets) + 1)]
            holds = content.read(cut)
            assert not [note for note in holds.notes if "could not be" in note], (path, holds.notes)
            fields = headers.parse_fields(cut)
            for key, _value in fields.all:
                fields.text(key)
                fields.parameters(key)
            for leaf in holds.leaves:
                assert "/" not in leaf.name


def test_the_deepest_text_of_a_sane_depth_is_found() -> None:
    assert content.read(_nested(20)).text == "deepest\n"


def test_a_part_is_what_stands_between_two_boundaries() -> None:
    message = _parts(3)
    assert [message[part.start : part.end] for part in mime.parse(message).leaves()] == [b"x"] * 3


def test_a_word_split_within_a_character_is_joined() -> None:
    first, second = (base64.b64encode(piece).decode() for piece in (b"Gr\xc3", b"\xbc\xc3\x9fe"))
    assert encoded_words.decode(f"=?utf-8?B?{first}?= =?UTF-8?b?{second}?= !".encode()) == "Grüße !"


def test_text_in_an_undeclared_charset_is_still_readable() -> None:
    assert charsets.decode("Grüße".encode(), "us-ascii") == "Grüße"
    assert charsets.decode("Grüße".encode("cp1252"), "klingon") == "Grüße"


def test_the_corpus_has_cpythons_messages_where_python_brings_them() -> None:
    assert not cpythons() or len(cpythons()) > 40, ROOT
