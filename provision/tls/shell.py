"""The shell that makes keys, requests and certificates on the host. A key never leaves it.

Each file is written beside its place, gets its owner, mode and label there, and is renamed. The links come
last. So a script that is cut off anywhere leaves what the service used before, or what it is to use.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from pyinfra.api.command import StringCommand

from provision.host import layout

DAYS = 3650
"""How long a self-signed certificate is valid. Nobody checks it, and another one costs nothing."""
_LONGEST_COMMON_NAME = 64  # characters: ub-common-name of RFC 5280, appendix A.1

_FUNCTIONS = f"""\
set -eu
umask 077
cd {layout.TLS_FOLDER}
label() {{ if command -v restorecon >/dev/null; then restorecon -RF "$@"; fi; }}
link() {{ ln -sfnT "$2" "$1.new"; label "$1.new"; mv -fT "$1.new" "$1"; }}
place() {{  # FILE OWNER MODE: FILE.new takes the place of FILE
  chown "$2" "$1.new"; chmod "$3" "$1.new"; label "$1.new"; sync "$1.new"; mv -fT "$1.new" "$1"
}}
usable() {{ [ -f "$1" ] && openssl pkey -in "$1" -passin pass: -noout 2>/dev/null; }}
fits() {{  # CERTIFICATE KEY
  public=$(openssl pkey -in "$2" -passin pass: -pubout)
  [ "$public" ] && [ "$public" = "$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null)" ]
}}
folder_of() {{  # KEY: sets $folder. Digests of nothing begin with e3b0c442, and are no key's.
  public=$(openssl pkey -in "$1" -passin pass: -pubout)
  folder=$(printf '%s\\n' "$public" | openssl pkey -pubin -outform DER | sha256sum | cut -c1-16)
  case $folder in ''|e3b0c442*) echo "$1: openssl does not tell its public key" >&2; exit 1;; esac
  folder=keys/$folder
}}
has_not_changed() {{  # KEY FOLDER
  folder_of "$1"
  [ "$folder" = "$2" ] || {{ echo "$1 was changed while this ran: run it again" >&2; exit 1; }}
}}
request() {{
  openssl req -new -key "$1/key.pem" -passin pass: -subj "$subject" -addext "$names" -out "$1/request.pem.new"
  place "$1/request.pem" root:root 644
}}
self_signed() {{
  openssl req -x509 -key "$1/key.pem" -passin pass: -days {DAYS} -subj "$subject" -addext "$names" \\
    -out "$1/certificate.pem.new"
  place "$1/certificate.pem" root:root 644
}}
enterable() {{ mkdir -p "$1"; chown root:{layout.USER} "$1"; chmod 750 "$1"; }}
for_service() {{ chown root:{layout.USER} "$1/key.pem"; chmod 640 "$1/key.pem"; }}
load() {{ if systemctl is-active -q {layout.SERVICE_UNIT}; then systemctl reload {layout.SERVICE_UNIT}; fi; }}
use() {{  # FOLDER: the service reads this key and this certificate from here on
  sync "$1" keys; link current "$1"
  [ "$(readlink key.pem)" = current/key.pem ] || link key.pem current/key.pem
  [ "$(readlink certificate.pem)" = current/certificate.pem ] || link certificate.pem current/certificate.pem
  sync .
}}
new_key() {{  # sets $folder
  part=keys/$$.new; rm -rf "$part"; enterable "$part"
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$part/key.pem"
  request "$part"; self_signed "$part"; folder_of "$part/key.pem"
  label "$part"; sync "$part/key.pem" "$part"; mv -T "$part" "$folder"
}}
drop() {{  # FOLDER: unless it is used. What is not ours in it stays.
  case $1 in keys/*) ;; *) return 0;; esac
  if [ "$1" = "$(readlink current)" ] || [ "$1" = "$(readlink next)" ] || ! [ -d "$1" ]; then return 0; fi
  rm -f "$1/key.pem" "$1/request.pem" "$1/certificate.pem" "$1"/*.pem.new
  rmdir --ignore-fail-on-non-empty "$1"
}}
adopt() {{  # KEY FOLDER keep|anew: the key is used from its folder, with the old certificate or a new one
  has_not_changed "$1" "$2"; enterable "$2"; was=$(readlink current || true)
  if ! [ "$1" -ef "$2/key.pem" ]; then
    cp -T "$1" "$2/key.pem.new"; place "$2/key.pem" root:{layout.USER} 640
  fi
  for_service "$2"; request "$2"
  if [ "$3" != keep ]; then self_signed "$2"
  elif ! [ certificate.pem -ef "$2/certificate.pem" ] && fits certificate.pem "$2/key.pem"; then
    cp -T certificate.pem "$2/certificate.pem.new"; place "$2/certificate.pem" root:root 644
  fi
  label "$2"; use "$2"; drop "$was"
}}
set_aside() {{  # what lies at key.pem and is no usable key
  if usable key.pem; then echo 'key.pem came while this ran: run it again' >&2; exit 1; fi
  if [ -f key.pem ] && [ -s key.pem ]; then cp -T key.pem key.pem.unusable; fi
}}
first_key() {{
  set_aside
  if usable current/key.pem; then echo 'a key came while this ran: run it again' >&2; exit 1; fi
  was=$(readlink current || true); new_key; for_service "$folder"; use "$folder"; drop "$was"
}}
bring() {{  # FOLDER: the certificate on the standard input takes the place of the one of the key in use
  if [ "$1" != "$(readlink current)" ]; then
    echo 'the host went to another key while this ran: run it again' >&2; exit 1
  fi
  cat > "$1/certificate.pem.new"
  if ! fits "$1/certificate.pem.new" "$1/key.pem"; then
    rm -f "$1/certificate.pem.new"
    echo 'the certificate is not one of the key in use: run it again' >&2; exit 1
  fi
  place "$1/certificate.pem" root:root 644; sync "$1"
}}
make_next() {{ was=$(readlink next || true); new_key; link next "$folder"; sync .; drop "$was"; }}
to_next() {{  # FOLDER: the key that is next is used from here on
  has_not_changed next/key.pem "$1"; replaced=$(readlink current || true)
  for_service next
  [ -s next/request.pem ] || request next
  [ -L next/certificate.pem ] || self_signed next
  use "$1"; label "$1"; make_next; drop "$replaced"
}}
"""


def script(hostname: str, actions: Iterable[str], *, given: str = "") -> StringCommand:
    """One command that takes these actions on the keys of a host of this name, in this order.

    `given` comes on its standard input.
    """
    name = hostname if len(hostname) <= _LONGEST_COMMON_NAME else ""
    head = (
        f"subject={shlex.quote(f'/CN={name}' if name else '/O=Letterbox')}",
        f"names={shlex.quote(f'subjectAltName=DNS:{hostname}')}",
    )
    text = shlex.quote("\n".join((*head, _FUNCTIONS, *actions)))
    return StringCommand("sh -c", text, _stdin=given) if given else StringCommand("sh -c", text)
