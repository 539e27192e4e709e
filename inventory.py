"""Which hosts receive mail, for which domains, into which mailboxes. This is the example to start from:

mkdir -p ~/mail && cp inventory.py ~/mail/     # yours: `git pull` never meets your edits
pyinfra ~/mail/inventory.py deploy.py          # the host, then DNS
"""

mail_hosts = (
    [
        (
            # How ssh reaches the host. It is also its name in the MX record and in the greeting,
            # unless "hostname" below says another. This name need not exist yet if "ssh_hostname"
            # gives an address: the deploy makes its DNS records.
            "mx1.example.com",
            {
                # root, or a user who may `sudo` without a password ("fedora" on cloud images).
                # Other ssh settings: "ssh_port", "ssh_key"; ~/.ssh/config is read too.
                "ssh_user": "root",
                # "ssh_hostname": "203.0.113.25",         # where ssh connects, in place of the name
                # Where the world finds it. Left out, they are read from the host itself. Give them if
                # the host is behind NAT. False: the host has no such address, and gets no such record.
                # "public_ipv4": "203.0.113.25",
                # "public_ipv6": "2001:db8::25",
                # "hostname": "mx1.example.com",
                # "mx_preference": 10,                    # the lowest is tried first
                # "certificate": "letsencrypt",           # renewed at each deploy: docs/host.md
                # "workers": 2,                           # processes that share the work, at most one a core
                # "checks": False,                        # do not check who really sent a message
                # "log_headers": True,                    # Subject, From and Date too, in the journal
                # "spam_filter": "/run/rspamd/normal.sock",  # docs/spam-filter.md
                # "hooks": {"orders": {"mailbox": "alice@example.com", "url": "https://…"}},  # docs/hooks.md
                # "imap": True,                           # mail clients read by ssh: docs/imap.md
                # "readers": {"alice@example.com": ["alice"]},  # users of the host who may, besides root
                # "heartbeat": "https://hc-ping.com/UUID",  # an alarm when mail stops: docs/heartbeat.md
                # "firewalld": "running",                 # install and start it; left out: as it is
                # "firewalld_zones": ["public", "dmz"],   # left out: those of the default routes
            },
        ),
    ],
    {
        # For all hosts: a bucket that mail goes to, so that the loss of a host loses no mail: docs/fleet.md
        # "store": {"bucket": "https://ACCOUNT.r2.cloudflarestorage.com/mail", "promise": "bucket"},
        "domains": {
            "example.com": {
                # alice@example.com and bob@example.com, a Maildir each. alice+shop@example.com
                # is alice's too.
                "mailboxes": [
                    "alice",
                    "bob",
                ],  # or {"alice": {"quota": 5_000_000_000}, "bob": {}}: docs/keep.md
                # Other names, for one mailbox or several. Every domain must take mail for postmaster.
                "aliases": {"postmaster": ["alice"]},
                # A mailbox for every name not listed; None refuses them, which keeps spam out.
                "catch_all": None,
                # False publishes SPF and DMARC records saying that nobody sends mail as this domain,
                # which keeps others from forging it. Leave it out if anything sends as @example.com.
                # "sends_mail": False,
                # "subaddress_separators": "+",           # "" turns alice+anything off
                # "keep": {"days": 30},                   # older mail goes; left out: never
                # "quota": 1_000_000_000,                 # octets of each mailbox; left out: no limit
                # "ttl": 300,                             # of the DNS records, in seconds
                # "tls_reports": True,                    # senders report failed TLS: docs/tls-reports.md
                # "dane": True,                           # senders can check our key: docs/tls.md
                # "mta_sts": "testing",                   # senders check our certificate: docs/tls.md
                # "reject_forged": True,                  # refuse what its author's domain asks to refuse
                # "caa": True,                            # who may issue for the mail host: docs/tls.md
            },
        },
    },
)
