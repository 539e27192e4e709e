. /peers/common.sh
user postfix 101
user postdrop 102
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
sed -i "s/^smtp      inet/127.0.0.1:$PORT inet/; s/^\(127.0.0.1.*\) y /\1 n /" /etc/postfix/master.cf
sed -i 's/^\([a-z0-9-]* *\(unix\|inet\|fifo\|unix-dgram\) *[-yn] *[-yn] *\)y/\1n/' /etc/postfix/master.cf
cat > /etc/postfix/main.cf <<CF
compatibility_level = 3.6
myhostname = peer.example.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
mydestination =
virtual_mailbox_domains = example.test
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes
virtual_transport = discard
recipient_delimiter = +
smtpd_tls_security_level = may
smtpd_tls_cert_file = /peers/certificate.pem
smtpd_tls_key_file = /peers/key.pem
smtpd_client_connection_count_limit = 100
maillog_file = /var/log/mail.log
CF
if [ -n "$RELAY" ]; then
    [ "$TLS" = yes ] && LEVEL=encrypt || LEVEL=none
    cat >> /etc/postfix/main.cf <<CF
virtual_transport = smtp:[127.0.0.1]:$RELAY
virtual_mailbox_maps = static:all
smtp_tls_security_level = $LEVEL
message_size_limit = 40000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtp_dns_support_level = disabled
CF
fi
if [ -n "$STORE" ]; then
    cat >> /etc/postfix/main.cf <<CF
queue_directory = /store/queue
virtual_transport = virtual
virtual_mailbox_base = $STORE
virtual_uid_maps = static:2001
virtual_gid_maps = static:2001
smtpd_client_connection_count_limit = 0
CF
    # What suits a load of one sender after the other, and what Debian leaves as Postfix has it.
    [ -n "${INSTALLED:-}" ] || cat >> /etc/postfix/main.cf <<CF
default_process_limit = 300
in_flow_delay = 0
message_size_limit = 40000000
virtual_mailbox_limit = 0
CF
fi
printf '%s@example.test alice/\n' alice bob postmaster > /etc/postfix/mailboxes
mkdir -p /var/spool/postfix /var/lib/postfix /var/log
chown postfix /var/lib/postfix
chgrp postdrop /usr/sbin/postqueue /usr/sbin/postdrop
chmod 2555 /usr/sbin/postqueue /usr/sbin/postdrop
ln -sf /bin/true /usr/bin/cmp
[ -z "${CHECKED:-}" ] || . /peers/postfix-checks.sh
exec postfix start-fg
