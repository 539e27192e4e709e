. /peers/common.sh
user opensmtpd 101
user opensmtpq 102
mkdir -p /var/lib/opensmtpd/empty /var/empty /var/spool/smtpd
chmod 711 /var/spool/smtpd /var/lib/opensmtpd/empty /var/empty
ACTION='action "take" mda "/bin/cat" virtual { "alice@example.test" = nobody, "bob@example.test" = nobody, "postmaster@example.test" = nobody, "postmaster" = nobody }'
if [ -n "$STORE" ]; then
    ACTION='action "take" maildir "/store/mail/alice" virtual { "alice@example.test" = alice, "bob@example.test" = alice, "postmaster@example.test" = alice, "postmaster" = alice }'
    chmod 711 /store/queue
    rm -rf /var/spool/smtpd && ln -s /store/queue /var/spool/smtpd
fi
if [ -n "$RELAY" ]; then
    [ "$TLS" = yes ] && SCHEME=smtp || SCHEME=smtp+notls
    ACTION="action \"take\" relay host $SCHEME://127.0.0.1:$RELAY"
fi
LIMITS=
[ -z "$STORE" ] || LIMITS="smtp limit max-mails 100000"
cat > /etc/smtpd.conf <<CF
$LIMITS
pki peer cert "/etc/certificate.pem"
pki peer key "/etc/key.pem"
table users { alice, bob, postmaster }
listen on 127.0.0.1 port $PORT tls pki peer hostname peer.example.test
$ACTION
match from any for domain "example.test" action "take"
CF
cp /peers/certificate.pem /peers/key.pem /etc/
chmod 600 /etc/key.pem
exec /usr/sbin/smtpd -d
