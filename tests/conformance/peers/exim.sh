. /peers/common.sh
SPOOL=/var/spool/exim4
[ -z "$STORE" ] || SPOOL=/store/queue
user Debian-exim 101
mkdir -p /var/spool/exim4 /var/log/exim4 /etc/exim4
chown -R Debian-exim:Debian-exim /var/spool/exim4 /var/log/exim4
ROUTER='all:
  driver = redirect
  data = :blackhole:' USERS='alice : bob : postmaster'
if [ -n "$RELAY" ]; then
    [ "$TLS" = yes ] && WITH=hosts_require_tls || WITH=hosts_avoid_tls
    USERS='*'
    ROUTER="all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = on
begin transports
on:
  driver = smtp
  port = $RELAY
  allow_localhost
  tls_verify_hosts =
  tls_try_verify_hosts =
  $WITH = *"
fi
if [ -n "$STORE" ]; then
    chown Debian-exim:Debian-exim /store/queue
    ROUTER="all:
  driver = accept
  transport = on
begin transports
on:
  driver = appendfile
  directory = $STORE/alice
  maildir_format
  user = alice"
fi
cat > /etc/exim4/exim4.conf <<CF
spool_directory = $SPOOL
primary_hostname = peer.example.test
qualify_domain = example.test
domainlist local_domains = example.test
acl_smtp_rcpt = recipient
acl_smtp_data = accept
acl_smtp_mail = accept
tls_advertise_hosts = *
tls_certificate = /peers/certificate.pem
tls_privatekey = /peers/key.pem
smtputf8_advertise_hosts = *
smtp_accept_max = 500
smtp_accept_max_per_host = 500
smtp_accept_queue_per_connection = 0
message_size_limit = 50M
never_users = root
log_file_path = /var/log/exim4/%slog
begin acl
recipient:
  deny domains = ! +local_domains
       message = relay not permitted
  accept local_parts = $USERS
  deny message = 5.1.1 Unknown user
begin routers
$ROUTER
CF
chmod 644 /etc/exim4/exim4.conf
exec /usr/sbin/exim4 -bdf -q1h -oX "127.0.0.1.$PORT"
