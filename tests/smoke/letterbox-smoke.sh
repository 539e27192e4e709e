#!/bin/sh
# What the smoke tests need on the host: to see a probe message, and to remove it. Nothing else.
#
# It works for any key that may run a command as root. To let a key do nothing but this, copy the file to
# /usr/local/sbin/letterbox-smoke (mode 755), and name it as the key's forced command (authorized_keys(5));
# docs/first-mail.md has the line. Then this file runs whatever the key asks for, and takes only the last words
# of that: `probe DOMAIN MAILBOX MARK`, or `doctor`.
set -eu
set -f
# shellcheck disable=SC2086 # the words of the request are wanted one by one
[ -z "${SSH_ORIGINAL_COMMAND:-}" ] || set -- $SSH_ORIGINAL_COMMAND
while [ $# -gt 4 ]; do shift; done
[ $# -lt 4 ] || [ "$1" = probe ] || shift 3
mail=/var/lib/letterbox/mail
case "$*" in
  doctor | *" doctor") exec /usr/local/bin/letterbox doctor --text ;;
esac
[ $# -eq 4 ] || { echo "letterbox-smoke: it knows 'probe DOMAIN MAILBOX MARK' and 'doctor'" >&2; exit 2; }
domain=$2 mailbox=$3 mark=$4
case "$domain$mailbox" in *[!A-Za-z0-9._+=-]*) echo "letterbox-smoke: not a mailbox" >&2; exit 2 ;; esac
case "$domain" in .* | '') echo "letterbox-smoke: not a domain" >&2; exit 2 ;; esac
case "$mailbox" in .* | '') echo "letterbox-smoke: not a mailbox" >&2; exit 2 ;; esac
case "$mark" in *[!0-9a-f]*) echo "letterbox-smoke: not a mark" >&2; exit 2 ;; esac
[ ${#mark} -eq 32 ] || { echo "letterbox-smoke: not a mark" >&2; exit 2; }
# Only messages of the last minutes that begin as a probe does: no other mail is read or removed.
for folder in new cur; do
  find "$mail/$domain/$mailbox/$folder" -type f -mmin -5 -size -9k 2>/dev/null
done | while IFS= read -r file; do
  [ "$(head -c 40 "$file" | tr -d '\r' | head -n 1)" = "Return-Path: <stranger@smoke.invalid>" ] || continue
  grep -qF "Message-ID: <$mark@smoke.invalid>" "$file" || continue
  echo "$file"
  base64 -w 0 "$file"
  echo
  rm -f -- "$file"
done
