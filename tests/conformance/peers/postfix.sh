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
printf '%s@example.test x\n' alice bob postmaster > /etc/postfix/mailboxes
mkdir -p /var/spool/postfix /var/lib/postfix /var/log
chown postfix /var/lib/postfix
chgrp postdrop /usr/sbin/postqueue /usr/sbin/postdrop
chmod 2555 /usr/sbin/postqueue /usr/sbin/postdrop
ln -sf /bin/true /usr/bin/cmp
exec postfix start-fg
