#!/bin/sh
# The world machine: run by mmdebstrap as a customize hook, with the new root as its argument.
set -eu
root=$1
# Three servers run as knot@registry, knot@ns1, knot@ns2; their configuration has addresses and comes at `up`.
chroot "$root" systemctl disable -q knot.service postfix-mta-sts-resolver.service
chroot "$root" systemctl mask -q knot.service unbound-resolvconf.service unbound-resolvconf.path \
    postfix-resolvconf.service postfix-resolvconf.path unattended-upgrades.service postfix-mta-sts-resolver.service
rm -f "$root"/etc/unbound/unbound.conf.d/*.conf
chroot "$root" systemctl enable -q knot@registry.service knot@ns1.service knot@ns2.service unbound.service \
    postfix.service cloudflare.service
chroot "$root" useradd --create-home --shell /bin/bash stranger
install -d -o 0 -g 0 -m 0755 "$root/srv/registry" "$root/srv/static" "$root/opt/lab"
chroot "$root" install -d -o knot -g knot -m 0755 /srv/zones /var/lib/knot/keys
# The keys of the root and of `test` are made here, so that no `up` waits for them. The root's DS is the trust anchor
# of a resolver that validates, and that of `test` goes into the root.
chroot "$root" /usr/local/bin/make-registry-keys
# The key that signs TLS reports of sender.test (RFC 8460, section 3), and the record that its zone includes.
chroot "$root" /usr/local/bin/make-report-key
# The mail servers that do DANE and MTA-STS are further Postfixes, with the same services, but other ports to hand
# them mail.
for instance in dane:2525 sts:2526; do
    install -d -m 0755 "$root/etc/postfix-${instance%:*}"
    sed "s/^smtp      inet/127.0.0.1:${instance#*:} inet/" "$root/etc/postfix/master.cf" \
        >"$root/etc/postfix-${instance%:*}/master.cf"
done
