"""The breaks that the doctor, the deploy, end_state and smoke are measured with: `BREAKS`, by the link."""

# ruff: noqa: E501
# fmt: off
from __future__ import annotations

from tests.first_mail.breaking import (
    MAIL,
    RESTART,
    TOML,
    Break,
    drop_in,
    edited,
    filtered_on_the_way,
    firewall,
    foreign_mx,
    host,
    kept,
    on,
    record,
    table,
    undone,
)

SERVED = "/etc/knot/zones.conf"  # the zones that both nameservers serve
ZONE = "--zone=FedoraServer"
RICH = "rule family=\"ipv4\" port port=\"25\" protocol=\"tcp\" reject"
VANTAGE = '$(set -- $SSH_CONNECTION; echo $1)'
SOCKET = "systemctl stop letterbox.service; systemctl restart letterbox.socket"
TLS = "/etc/letterbox/tls"
CURRENT = "$(readlink -f /opt/letterbox/current)"
KEY = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
BOX = f"{MAIL}/example.test/bob"
OLD_COPY = "/opt/letterbox/releases/0123456789abcdef"

IN_THE_DNS = (
    Break("the registry does not delegate the domain", "delegation", on("world",
        "cp /srv/registry/test.zone /root/ && sed -i '/^example.test/d' /srv/registry/test.zone && systemctl restart knot@registry",
        "mv /root/test.zone /srv/registry/test.zone && systemctl restart knot@registry"), quick=True),
    Break("the nameservers do not serve the zone", "zone", on("world",
        f"cp {SERVED} /root/ && sed -i '/ example.test$/d' {SERVED} && systemctl restart knot@ns1 knot@ns2",
        f"cat /root/zones.conf >{SERVED} && systemctl restart knot@ns1 knot@ns2"), quick=True),
    Break("the MX is deleted", "MX", lambda lab: record(lab, "MX", None), quick=True),
    Break("the MX leads to another host", "MX", lambda lab: record(lab, "MX", {"content": "mail.sender.test"})),
    Break("a foreign MX stands beside ours", "MX", foreign_mx),
    Break("the A record is another address", "address", lambda lab: record(lab, "A", {"content": "198.51.100.7"}), quick=True),
    Break("the AAAA record is another address", "address", lambda lab: record(lab, "AAAA", {"content": "2001:db8::7"})),
    Break("the A record is deleted", "address", lambda lab: record(lab, "A", None)),
    Break("the A record is proxied", "proxied", lambda lab: record(lab, "A", {"proxied": True}), quick=True),
)
ON_THE_WAY = (
    Break("a provider filters port 25", "packet", lambda lab: filtered_on_the_way(lab, "-4", "-6"),
        "port 25 reached the host -> ask the host's provider", quick=True),
    Break("a provider filters port 25 over IPv6 alone", "packet", lambda lab: filtered_on_the_way(lab, "-6"), "port 25 reached the host"),
)
IN_FIREWALLD = (
    Break("smtp is closed now", "firewall zone", firewall(f"{ZONE} --remove-service=smtp", undo=undone(f"{ZONE} --add-service=smtp"), permanent=False), quick=True),
    Break("smtp is closed after a restart", "firewall zone", firewall(f"{ZONE} --remove-service=smtp", undo=undone(f"{ZONE} --add-service=smtp"), now=False), "after a restart"),
    Break("smtp is closed for good", "firewall zone", firewall(f"{ZONE} --remove-service=smtp", undo=undone(f"{ZONE} --add-service=smtp"))),
    Break("a rich rule rejects port 25", "firewall zone", firewall(f"{ZONE} --add-rich-rule='{RICH}'", undo=undone(f"{ZONE} --remove-rich-rule='{RICH}'")), "rich rule"),
    Break("a rich rule drops one sender", "firewall zone", host(
        f"for p in '' --permanent; do firewall-cmd -q $p {ZONE} --add-rich-rule=\"rule family=ipv4 source address={VANTAGE} service name=smtp drop\"; done",
        f"for p in '' --permanent; do firewall-cmd -q $p {ZONE} --remove-rich-rule=\"rule family=ipv4 source address={VANTAGE} service name=smtp drop\"; done"), "rich rule"),
    Break("port 25 is forwarded to another port", "firewall zone", firewall(
        f"{ZONE} --add-forward-port=port=25:proto=tcp:toport=2626", undo=undone(f"{ZONE} --remove-forward-port=port=25:proto=tcp:toport=2626")), "forwarded to"),
    Break("a policy drops what is not allowed", "firewall zone", host(
        "firewall-cmd -q --permanent --new-policy shut && firewall-cmd -q --permanent --policy shut --set-target DROP && "
        "firewall-cmd -q --permanent --policy shut --add-service ssh && firewall-cmd -q --permanent --policy shut --set-priority -50 && "
        "firewall-cmd -q --permanent --policy shut --add-ingress-zone ANY && firewall-cmd -q --permanent --policy shut --add-egress-zone HOST && firewall-cmd -q --reload",
        "firewall-cmd -q --permanent --delete-policy shut && firewall-cmd -q --reload"), "policy shut"),
    Break("the sender is bound to another zone", "firewall zone", host(
        f"for p in '' --permanent; do firewall-cmd -q $p --zone=work --add-source={VANTAGE}; done",
        "for p in '' --permanent; do for s in $(firewall-cmd $p --zone=work --list-sources); do firewall-cmd -q $p --zone=work --remove-source=$s; done; "
        "firewall-cmd -q $p --zone=work --remove-service=smtp; done"), "is bound to it"),
    Break("the interface is moved to another zone", "firewall zone", host(
        "for p in '' --permanent; do firewall-cmd -q $p --zone=work --change-interface=host0; done",
        "for p in '' --permanent; do firewall-cmd -q $p --zone=work --remove-interface=host0; firewall-cmd -q $p --zone=work --remove-service=smtp; done"), "work"),
    Break("firewalld is stopped and closes port 25 when it starts", "firewall zone", host(
        f"firewall-cmd -q --permanent {ZONE} --remove-service=smtp; systemctl stop firewalld",
        f"systemctl start firewalld; {undone(f'{ZONE} --add-service=smtp')}"), "firewall-offline-cmd"),
    Break("the service smtp means another port", "firewall zone", host(
        "firewall-cmd -q --permanent --service=smtp --add-port=2525/tcp && firewall-cmd -q --permanent --service=smtp --remove-port=25/tcp && firewall-cmd -q --reload",
        f"rm -f /etc/firewalld/services/smtp.xml; firewall-cmd -q --permanent {ZONE} --remove-port=25/tcp; firewall-cmd -q --reload"), "--add-port=25/tcp"),
)
IN_NFTABLES = (
    Break("a table of nftables drops port 25", "packet filter", table("iifname host0 tcp dport 25 drop"), "nft delete rule inet shut", quick=True),
    Break("a chain of nftables drops by policy", "packet filter", host(
        "nft 'add table inet shut; add chain inet shut input { type filter hook input priority -200; policy drop; }; "
        "add rule inet shut input iif lo accept; add rule inet shut input ct state established,related accept; "
        "add rule inet shut input meta l4proto { icmp, ipv6-icmp, udp } accept; add rule inet shut input tcp dport 22 accept'",
        "nft delete table inet shut"), "policy is drop"),
    Break("a table of nftables rejects port 25", "packet filter", table("iifname host0 tcp dport { 25, 465 } reject with tcp reset"), "nft delete rule"),
    Break("a table of nftables redirects port 25", "packet filter", table("iifname host0 tcp dport 25 redirect to :2626", "nat hook prerouting priority -150"), "redirect"),
    Break("a table of nftables drops one sender", "packet filter", host(
        f"nft add table inet shut && nft add chain inet shut input '{{ type filter hook input priority -200; }}' && nft add rule inet shut input ip saddr {VANTAGE} tcp dport 25 drop",
        "nft delete table inet shut"), "nft delete rule"),
)
IN_SYSTEMD = (
    Break("the socket is stopped", "socket", host("systemctl stop letterbox.socket letterbox.service", "systemctl start letterbox.socket letterbox.service"), quick=True),
    Break("the socket is not enabled", "socket", host("systemctl disable -q letterbox.socket", "systemctl enable -q letterbox.service letterbox.socket"), "after a restart"),
    Break("another program holds port 25", "socket", host(
        "systemctl stop letterbox.socket letterbox.service; systemd-run -q --unit=other-mail python3 -c "
        "'import socket, time; s = socket.create_server((\"::\", 25), family=socket.AF_INET6, dualstack_ipv6=True); time.sleep(9999)' && "
        "until ss -ltn | grep -q :25; do sleep 0.1; done",
        "systemctl stop other-mail.service; systemctl start letterbox.socket letterbox.service"), "other-mail.service"),
    Break("a drop-in binds the socket to the loopback interface", "socket", drop_in("letterbox.socket",
        "[Socket]\\nListenStream=\\nListenStream=127.0.0.1:25\\nListenStream=[::1]:25\\n", then=SOCKET), "broken.conf"),
    Break("a drop-in binds the socket to IPv4 alone", "socket", drop_in("letterbox.socket",
        "[Socket]\\nListenStream=\\nListenStream=0.0.0.0:25\\n", then=SOCKET), "broken.conf"),
    Break("the socket unit is edited and not loaded", "socket", kept("/etc/systemd/system/letterbox.socket",
        "sed -i 's/^Backlog=.*/Backlog=64/' /etc/systemd/system/letterbox.socket; touch -d '+2 seconds' /etc/systemd/system/letterbox.socket",
        then="systemctl daemon-reload; systemctl enable -q letterbox.socket"), "daemon-reload"),
    Break("a drop-in makes the service fail", "service", drop_in("letterbox.service",
        "[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"echo no disk; exit 1\"\\nRestartSec=60\\n", then=RESTART), "no disk", quick=True),
    Break("the service is not enabled", "service", host(
        "rm /etc/systemd/system/multi-user.target.wants/letterbox.service; systemctl daemon-reload", "systemctl enable -q letterbox.service letterbox.socket")),
    Break("the service unit is edited and not loaded", "service", kept("/etc/systemd/system/letterbox.service",
        "sed -i 's/^MemoryMax=.*/MemoryMax=64M/' /etc/systemd/system/letterbox.service; touch -d '+2 seconds' /etc/systemd/system/letterbox.service",
        then="systemctl daemon-reload"), "daemon-reload"),
    Break("the process is stopped", "greeting", host(
        "systemctl kill -s STOP letterbox.service", "systemctl kill -s CONT letterbox.service"), quick=True),
)
IN_THE_FILES = (
    Break("the command is gone", "program", kept("/usr/local/bin/letterbox", "rm /usr/local/bin/letterbox"), quick=True),
    Break("the link current is gone", "program", kept("/opt/letterbox/current", "rm /opt/letterbox/current")),
    Break("the configuration has a misspelt key", "configuration", edited(f"sed -i '1i hostnam = 1' {TOML}"), quick=True),
    Break("the configuration is gone", "configuration", kept(TOML, f"rm {TOML}")),
    Break("the configuration has another hostname", "configuration", edited(f"sed -i 's/^hostname = .*/hostname = \"other.example.test\"/' {TOML}", restart=True)),
    Break("key and certificate do not belong together", "configuration", kept(TLS,
        f"openssl ecparam -name prime256v1 -genkey -noout > {TLS}/key.pem", then=RESTART), "do not belong together"),
    Break("the key is gone", "configuration", kept(TLS, f"rm {TLS}/key.pem", then=RESTART)),
    Break("the certificate has expired", "certificate", kept(TLS,
        f"openssl x509 -in {TLS}/certificate.pem -signkey {TLS}/key.pem -copy_extensions copyall -not_before 20200101000000Z -not_after 20210101000000Z "
        f"-out {TLS}/made.pem && cat {TLS}/made.pem > {TLS}/certificate.pem && rm {TLS}/made.pem; {RESTART}", then=RESTART), "has expired", quick=True),
    Break("the certificate names another host", "certificate", kept(TLS,
        f"{KEY} -subj /CN=other.test -addext subjectAltName=DNS:other.test -days 90 -keyout /root/k.pem -out /root/c.pem 2>/dev/null && "
        f"cat /root/k.pem > {TLS}/key.pem && cat /root/c.pem > {TLS}/certificate.pem; {RESTART}", then=RESTART), "does not name"),
    Break("the service may not read the key", "owners", kept(TLS, f"chown root:root {TLS}/key.pem && chmod 600 {TLS}/key.pem"), quick=True),
    Break("the configuration is writable by everybody", "owners", kept(TOML, f"chmod 666 {TOML}")),
    Break("the service may not enter its configuration", "owners", host(
        "chown root:root /etc/letterbox && chmod 700 /etc/letterbox", "chown root:letterbox /etc/letterbox; chmod 750 /etc/letterbox")),
    Break("a file of the release is damaged", "release", host(
        f"cp -a {CURRENT}/lib/aiosmtpd/smtp.py /root/ && echo '# damaged' >> {CURRENT}/lib/aiosmtpd/smtp.py",
        f"cp -a /root/smtp.py {CURRENT}/lib/aiosmtpd/smtp.py"), "not as it was built", quick=True),
    Break("a file of the release is gone", "release", host(
        f"mv {CURRENT}/lib/receiver/reading/export.py /root/", f"cp -a /root/export.py {CURRENT}/lib/receiver/reading/export.py"), "is missing"),
    Break("a file of the release may be changed by everybody", "release", host(
        f"chmod 666 {CURRENT}/lib/receiver/loaded.py", f"chmod 644 {CURRENT}/lib/receiver/loaded.py"), "can be changed"),
    Break("the configuration is edited and not loaded", "loaded", edited(f"printf '\\n[domains.\"third.test\"]\\nmailboxes = [\"carol\"]\\n' >> {TOML}"), quick=True),
    Break("another release is current and not loaded", "loaded", host(
        f"readlink /opt/letterbox/current > /root/current; cp -a {CURRENT} {OLD_COPY} && ln -sfn releases/0123456789abcdef /opt/letterbox/current",
        f"ln -sfn $(cat /root/current) /opt/letterbox/current; rm -rf {OLD_COPY}; {RESTART}"), "the service runs release"),
    Break("the configuration has no TLS", "STARTTLS", edited(f"sed -i '/^.tls/,/^key/d' {TOML}", restart=True), quick=True),
    Break("a mailbox is taken out by hand", "", edited(f"sed -i '/\"bob\"/d' {TOML}", restart=True)),
)
IN_THE_MAIL = (
    Break("the disk is full", "disk", host(f"mount -t tmpfs -o size=1m,mode=700,uid=letterbox,gid=letterbox tmpfs {MAIL}", f"umount -l {MAIL}"), quick=True),
    Break("the disk is read-only", "disk", host(
        f"mount -t tmpfs -o mode=700,uid=letterbox,gid=letterbox tmpfs {MAIL} && mount -o remount,ro {MAIL}", f"umount -l {MAIL}"), "remount,rw"),
    Break("the disk has no inodes", "disk", host(
        f"mount -t tmpfs -o mode=700,uid=letterbox,gid=letterbox,nr_inodes=20 tmpfs {MAIL}; i=0; while touch {MAIL}/.full$i; do i=$((i+1)); done 2>/dev/null; chown letterbox: {MAIL}/.full*", f"umount -l {MAIL}"), "inodes"),
    Break("a mailbox belongs to root", "Maildir", host(f"mkdir -p {BOX} && chown root:root {BOX}", f"rm -rf {BOX}"), quick=True),
    Break("the mail folder may not be written", "Maildir", host(f"chmod 500 {MAIL}", f"chmod 700 {MAIL}")),
    Break("a file stands in the place of a mailbox", "Maildir", host(f"rm -rf {BOX}; touch {BOX}", f"rm -rf {BOX} /root/bob"), "/root/"),
    Break("the state folder belongs to root", "Maildir", host(
        "chown root:root /var/lib/letterbox", "chown letterbox:letterbox /var/lib/letterbox")),
)
BREAKS = (
    *IN_THE_DNS, *ON_THE_WAY, *IN_FIREWALLD, *IN_NFTABLES, *IN_SYSTEMD, *IN_THE_FILES, *IN_THE_MAIL,
)  # fmt: skip
