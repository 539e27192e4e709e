"""The shell script that asks a host everything that the steps of a deploy want to know.

It needs only what a bare host has: a POSIX shell, coreutils and systemd. If the host lacks a thing, its
section is empty. The script runs as root, through `sudo -n` if another user has connected. The section `uid`
says which user that is.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping

from provision.host import firewalld_state, layout, tls
from provision.host.greeting import READ_GREETING
from provision.host.services import resolver
from provision.host.services import sections as services

MARK = "##letterbox##"
UNREAD = "unread"
RESOLVED = "resolved"  # in place of an address, in the answer of the section `python`
# sudo drops this variable of ssh(1), so it is read before sudo.
_SSH = f"echo '{MARK} ssh'; echo $SSH_CONNECTION"

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
    layout.IMAP_FOLDER,
    layout.IMAP_CONFIGURATION,
    layout.IMAP_STATE,
    layout.SUDOERS,
    f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT}",
    f"{layout.UNIT_FOLDER}/{layout.SERVICE_UNIT}",
)
PACKAGES = ("python3", "openssl", "firewalld")
_UNIT_PROPERTIES = (
    "Id,ActiveState,UnitFileState,NeedDaemonReload,DropInPaths,MainPID,"
    "ExecMainStartTimestamp,ActiveEnterTimestamp"
)
_UNITS = f"{layout.SOCKET_UNIT} {layout.SERVICE_UNIT}"

# One start of Python answers all: its version on the first line, how port 25 greets, and what resolved knows.
_PYTHON = f"""\
{READ_GREETING}
{resolver.READ_RESOLVED}
import sys
print("%d.%d" % sys.version_info[:2])
for address in ("127.0.0.1", "::1"):
    try:
        print(address, read_greeting(address, 5))
    except OSError: pass
try: print("{RESOLVED}", read_resolved("{layout.RESOLVED}", 5))
except OSError: pass
"""

# A line for each process: address, process id, unit and program. Without `ss` the kernel tells that somebody
# listens, but not who.
_PORT_25 = r"""\
if command -v ss >/dev/null; then
  ss -Hltnp 'sport = :25' | while read -r _ _ _ address _ users; do
    case $users in *pid=1,*) echo "$address|1||systemd"; continue;; esac  # a socket of systemd
    for p in $(echo "$users" | grep -o 'pid=[0-9]*' | cut -d= -f2 | grep . || echo 0); do
      unit=$(grep -o '[^/]*\.\(service\|scope\)$' /proc/$p/cgroup | tail -1)
      echo "$address|$p|$unit|$(cat /proc/$p/comm)"
    done
  done
elif grep -q ':0019 [0-9A-F]*:0000 0A ' /proc/net/tcp /proc/net/tcp6; then
  echo "port 25|0||a program that only \`ss\` can name (iproute)"
fi"""

# Of each release that is not whole, its name. The files of those that are not in use are only counted. To
# compare them too would cost 40 ms a release.
_DAMAGED = f"""\
cd {layout.RELEASES} && c=$(readlink {layout.CURRENT}); for r in [0-9a-f]*; do (
  cd "$r" && [ -s manifest ] &&
  [ "$(find . -type f ! -name manifest | wc -l)" = "$(wc -l < manifest)" ] &&
  if [ "releases/$r" = "$c" ]; then sha256sum --status -c manifest; fi
) || echo "$r"; done"""

# What has other owners or rights than the deploy and the receiver give: a word, and an example.
_RIGHTS = f"""\
first() {{ read -r f && echo "$1 $f"; }}
find {layout.RELEASES} \\( ! -user root -o ! -type l -perm /022 -o ! -type l ! -perm -444 \
  -o -type d ! -perm -555 \\) -print -quit | first releases
find {layout.GENERATIONS} \\( ! -user root -o ! -type l -perm /022 \\) -print -quit | first generations
find {layout.MAIL} -mindepth 1 -maxdepth 3 ! -type l \
  \\( ! -path '{layout.QUEUES}/*' \\( ! -user {layout.USER} -o ! -group {layout.USER} \\) \
  -o -path '{layout.QUEUES}/*' -type d ! -user {layout.USER} \
  -o -type d ! -perm -700 \\) -print -quit | first mail"""

# What a run that was cut off has left. The run of somebody else may go on, so what is young is not named.
_LEFTOVERS = (
    f"find {layout.RELEASES} {layout.GENERATIONS} {layout.CONFIGURATION_FOLDER} {layout.TLS_FOLDER} "
    f"{layout.KEY_IN_USE}/ {layout.NEXT_KEY}/ "
    f"{layout.PROGRAM_FOLDER} {layout.UNIT_FOLDER} {layout.HOOKS_FOLDER} /usr/local/bin "
    "-mindepth 1 -maxdepth 1 -mmin +10 "
    "\\( -path '*/releases/.[0-9a-f]*' -o -path '*/generations/*.new' -o -path '*/generations/.*.gone' "
    "-o -path '/etc/letterbox/generation.new' -o -path '/etc/letterbox/bucket*.new' "
    "-o -path '*/letterbox.*.new' -o -path '*/letterbox-*.new' "
    "-o -path '*/tls/*.pem.new' -o -path '*/tls/current.new' -o -path '*/tls/next.new' "
    "-o -path '/opt/letterbox/current.new' -o -path '/etc/letterbox/hooks/*.new' "
    "-o -path '/usr/local/bin/letterbox.new' \\)"
)

# What lies in our folders and is not ours.
_FOREIGN = f"""\
among() {{ d=$1; shift; find $d -mindepth 1 -maxdepth 1 -regextype posix-extended ! -regex "$d/($1)"; }}
among {layout.CONFIGURATION_FOLDER} \
  '(letterbox.toml|generation|bucket.toml)(.new)?|(certificate-token|heartbeat|bucket-key)(.sha256)?|tls|hooks|imap'
among {layout.IMAP_FOLDER} 'dovecot.conf(.new)?|masked'
among {layout.TLS_FOLDER} '((key|certificate)[.]pem|current|next)([.]new)?|keys|key[.]pem[.]unusable'
among {layout.PROGRAM_FOLDER} 'releases|renewal|resolver|heartbeat|hooks|bucket|generations|current(.new)?'
among {layout.RELEASES} '[.]?[0-9a-f]{{16}}([.](gone|damaged))?'
among {layout.GENERATIONS} '[.]?g?[0-9a-f]+([.](new|gone))?'
among {layout.STATE_FOLDER} 'mail|imap'"""

SECTIONS: Mapping[str, str] = {
    "os": "cat /etc/os-release",
    "machine": "uname -m",
    "image": "ls -d /run/ostree-booted",
    "port 25": _PORT_25,
    "missing": f"""\
. /etc/os-release; case " $ID $ID_LIKE " in
  *" fedora "*|*" rhel "*) rpm -q --whatprovides {" ".join(PACKAGES)}; rpm_status=$?;;
  *) for p in {" ".join(PACKAGES)}; do
    dpkg-query -W -f '${{db:Status-Status}}' $p | grep -qx installed || echo $p
  done;;
esac""",
    "rpm status": "echo $rpm_status",
    "account": f"getent passwd {layout.USER}; getent group {layout.USER}",
    # Folders of drop-ins are looked at too, because a drop-in that was taken out changes its folder.
    "files": (
        f"stat -c '%.6Z|%.6Y|%F|%U|%G|%a|%N|%n' {' '.join(_FILES)} "
        f"{' '.join(tls.FILES)} "
        '$(echo "$units" | sed -n s/^DropInPaths=//p) '
        f"{' '.join(f'{layout.UNIT_FOLDER}/{unit}.d' for unit in layout.UNITS)}"
    ),
    "sums": f"sha256sum {' '.join(_FILES)}",
    "releases": f"ls -1t {layout.RELEASES}",
    "generations": (
        f"cd {layout.GENERATIONS} && for g in $(ls -1t); do echo $g $(basename $(readlink $g/release)); done"
    ),
    "configurations": (
        f"for f in {layout.CONFIGURATION} $(ls -d {layout.GENERATIONS}/*/letterbox.toml); do "
        'if [ -e "$f" ]; then echo "$f $(gzip -c "$f" | base64 -w0)"; fi; done'
    ),
    **tls.SECTIONS,
    "damaged": _DAMAGED,
    "unpacked": f"stat -c %.6Y {layout.CURRENT}/manifest",
    "rights": _RIGHTS,
    "leftovers": f"{_LEFTOVERS}; {tls.UNUSED}",
    "foreign": f"{_FOREIGN}\n{tls.FOREIGN}",
    "empty": (
        f"find {layout.CONFIGURATION_FOLDER} {layout.TLS_FOLDER} {layout.KEY_FOLDERS} "
        f"{layout.PROGRAM_FOLDER} {layout.RELEASES} {layout.GENERATIONS} {layout.STATE_FOLDER} "
        "-maxdepth 0 -empty"
    ),
    "units": 'echo "$units"',
    **services.SECTIONS,
    "loaded": f"[ -f {layout.LOADED} ] && [ ! -L {layout.LOADED} ] && head -c 4096 {layout.LOADED}",
    "running": (
        'p=$(echo "$units" | sed -n s/^MainPID=//p); '
        '[ "${p:-0}" -gt 0 ] && tr "\\0" "\\n" < /proc/$p/environ | grep ^LETTERBOX_GENERATION='
    ),
    "python": f"python3 -IS -c {shlex.quote(_PYTHON)}",
    "addresses": "ip -json address show scope global",
    # `ip` fails on a kernel without IPv6 if it is asked for IPv6 routes, so it is not asked there.
    "routes": (
        f"ip -json route show default || echo {UNREAD}; "
        f"[ ! -e /proc/net/if_inet6 ] || ip -json -6 route show default || echo {UNREAD}"
    ),
}


# These wait for programs that answer: firewalld, the receiver, and the database of packages.
_WAITING = ("missing", "rpm status", "python")


def script(named_zones: Iterable[str]) -> str:
    """The script. It reads these firewalld zones as well as those in use. `sections` splits its answer.

    Two groups of sections run at the same time, because the probe takes most of the time that a deploy with
    nothing to do spends on a host. A pipe holds the answers of one group until those of the other are there.
    """
    waiting = {"firewalld": firewalld_state.probe(named_zones)}
    waiting |= {name: SECTIONS[name] for name in _WAITING}
    reading = {name: command for name, command in SECTIONS.items() if name not in _WAITING}
    units = f"units=$(systemctl show --timestamp=us+utc -p {_UNIT_PROPERTIES} {_UNITS} 2>/dev/null)"
    return (
        f"export LC_ALL=C\n{{\n{marked(waiting)}\n}} </dev/null | {{\n"
        f"{{\n{units}\n{marked(reading)}\n}} </dev/null\ncat\n}}\ntrue"
    )


def marked(sections: Mapping[str, str]) -> str:
    """Shell that runs each section behind a line with its name."""
    return "\n".join(
        f"echo '{MARK} {name}'\n{{ {command}\n}} 2>/dev/null" for name, command in sections.items()
    )


def command(named_zones: Iterable[str]) -> str:
    """The shell command that runs the script as root, whichever user connects."""
    become = (
        f'probe="$(echo {encoded(script(named_zones))} | base64 -d)"; '
        'if [ $(id -u) -eq 0 ]; then sh -c "$probe"; '
        'elif why=$(sudo -n true 2>&1); then sudo -n sh -c "$probe"; '
        f"else echo '{MARK} sudo'; echo \"$why\"; fi"
    )
    return f"echo '{MARK} uid'; id -u; {wrapped(f'{_SSH}; {become}')}"


def wrapped(shell: str) -> str:
    """The command that runs a shell script whatever the login shell is: one line without anything to quote.

    fish and csh read quotes, backslashes and newlines in other ways than sh does.
    """
    return f"echo {encoded(shell)} | base64 -d | sh"


def encoded(text: str) -> str:
    """Base64, without newlines."""
    return base64.b64encode(text.encode()).decode()


def sections(output: Iterable[str]) -> dict[str, list[str]]:
    """The answer's lines, by section. Lines before the first section, such as a banner, are dropped."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output:
        if line.startswith(MARK):
            lines = found.setdefault(line.removeprefix(MARK).strip(), [])
        else:
            lines.append(line)
    return found
