"""The one shell script that asks a host everything any operation of the deploy wants to know.

It needs only what a bare host has: a POSIX shell, coreutils and systemd. What is missing shows as an empty
section. It runs as root: connected as another user it raises itself with `sudo -n`, and the section `uid`
says who connected.
"""

import shlex
from collections.abc import Iterable, Mapping

from provision.host import firewalld_state, layout

MARK = "##letterbox##"
UNREAD = "unread"
# Asked before sudo, which drops it.
_SSH_PORT = f"echo '{MARK} ssh port'; set -- ${{SSH_CONNECTION:-0 0 0 22}}; echo $4"

_FILES = (
    layout.CONFIGURATION_FOLDER,
    layout.CONFIGURATION,
    layout.GENERATION,
    layout.TLS_FOLDER,
    layout.CERTIFICATE,
    layout.KEY,
    layout.PROGRAM_FOLDER,
    layout.RELEASES,
    layout.GENERATIONS,
    layout.CURRENT,
    layout.COMMAND,
    layout.STATE_FOLDER,
    layout.MAIL,
    f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT}",
    f"{layout.UNIT_FOLDER}/{layout.SERVICE_UNIT}",
)
PACKAGES = ("python3", "openssl", "firewalld")
_UNIT_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload"

# A greeting is the only proof that a service runs: systemd calls one that crashes at every start active.
# The version of Python comes first, so that one start of it answers both.
_GREETING = """\
import socket, sys
print("%d.%d" % sys.version_info[:2])
for address in ("127.0.0.1", "::1"):
    try:
        with socket.create_connection((address, 25), 3) as s:
            s.settimeout(5); print(address, s.makefile("rb").readline(600).decode("ascii", "replace").strip())
    except OSError: pass
"""

_SECTIONS: Mapping[str, str] = {
    "os": "cat /etc/os-release",
    "machine": "uname -m",
    "ssh port": "set -- ${SSH_CONNECTION:-0 0 0 22}; echo $4",
    "missing": f"""\
. /etc/os-release; case " $ID $ID_LIKE " in
  *" fedora "*|*" rhel "*) rpm -q --whatprovides {" ".join(PACKAGES)}; echo "rpm ended with $?";;
  *) for p in {" ".join(PACKAGES)}; do
    dpkg-query -W -f '${{db:Status-Status}}' $p | grep -qx installed || echo $p
  done;;
esac""",
    "account": f"getent passwd {layout.USER}; getent group {layout.USER}",
    "files": f"stat -c '%F|%U|%G|%a|%s|%N|%n' {' '.join(_FILES)}",
    "sums": f"sha256sum {' '.join(_FILES)}",
    "releases": f"ls -1t {layout.RELEASES}",
    "generations": (
        f"cd {layout.GENERATIONS} && for g in $(ls -1t); do echo $g $(basename $(readlink $g/release)); done"
    ),
    "configurations": (
        f"for f in {layout.CONFIGURATION} $(ls -d {layout.GENERATIONS}/*/letterbox.toml); do "
        'if [ -e "$f" ]; then echo "$f $(gzip -c "$f" | base64 -w0)"; fi; done'
    ),
    "certificate": f"openssl x509 -in {layout.CERTIFICATE} -noout -checkend 2592000 -ext subjectAltName",
    "units": f"systemctl show -p {_UNIT_PROPERTIES} {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}",
    "running": (
        f"p=$(systemctl show -p MainPID --value {layout.SERVICE_UNIT}); "
        '[ "${p:-0}" -gt 0 ] && tr "\\0" "\\n" < /proc/$p/environ | grep ^LETTERBOX_GENERATION='
    ),
    "python": f"python3 -IS -c {shlex.quote(_GREETING)}",
    "addresses": "ip -json address show scope global",
    # A kernel without IPv6 has no routes of it, and `ip` fails where it is asked for them.
    "routes": (
        f"ip -json route show default || echo {UNREAD}; "
        f"[ ! -e /proc/net/if_inet6 ] || ip -json -6 route show default || echo {UNREAD}"
    ),
}


def script(named_zones: Iterable[str]) -> str:
    """The script, which reads the named firewalld zones besides those in use; `sections` reads its answer."""
    commands = {**_SECTIONS, "firewalld": firewalld_state.probe(named_zones)}
    sections = (f"echo '{MARK} {name}'\n{{ {command}\n}} 2>/dev/null" for name, command in commands.items())
    return "export LC_ALL=C\n" + "\n".join(sections) + "\ntrue"


def command(named_zones: Iterable[str]) -> str:
    """What runs the script as root, whoever connects."""
    text = shlex.quote(script(named_zones))
    become = f"if [ $(id -u) -eq 0 ]; then sh -c {text}; else sudo -n sh -c {text}; fi"
    return f'echo "{MARK} uid"; id -u; {_SSH_PORT}; {become}'


def sections(output: Iterable[str]) -> dict[str, list[str]]:
    """The answer's lines, section by section."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output:
        if line.startswith(MARK):
            lines = found.setdefault(line.removeprefix(MARK).strip(), [])
        else:
            lines.append(line)
    return found
