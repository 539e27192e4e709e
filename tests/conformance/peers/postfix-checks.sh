# SPF, DKIM and DMARC as Debian's README files of the three packages set them up. Nothing is refused.
# The name server has no DNSSEC, so OpenDKIM gets no trust anchor.
DNS=$4
echo 'hosts: files dns' > /etc/nsswitch.conf
echo "nameserver $DNS" > /etc/resolv.conf
user opendkim 103
user opendmarc 104
user policyd-spf 105
sed -i 's/^\(opendkim\|opendmarc\):.*/&postfix/' /etc/group
for each in opendkim opendmarc; do
    mkdir -p /run/$each
    chown $each:$each /run/$each
done
sed -i '/^TrustAnchorFile/d' /etc/opendkim.conf
cat >> /etc/opendkim.conf <<CF
Mode v
AuthservID peer.example.test
Nameservers $DNS
CF
cat >> /etc/opendmarc.conf <<CF
AuthservID peer.example.test
TrustedAuthservIDs peer.example.test
CF
SPF=/etc/postfix-policyd-spf-python/policyd-spf.conf
sed -i '/^\(HELO_reject\|Mail_From_reject\)/d' $SPF
cat >> $SPF <<CF
HELO_reject = False
Mail_From_reject = False
Header_Type = AR
Authserv_Id = peer.example.test
CF
cat >> /etc/postfix/master.cf <<CF
policyd-spf unix - n n - 0 spawn
    user=policyd-spf argv=/usr/bin/policyd-spf
CF
cat >> /etc/postfix/main.cf <<CF
smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service unix:private/policyd-spf
policyd-spf_time_limit = 3600
milter_default_action = accept
smtpd_milters = unix:/run/opendkim/opendkim.sock, unix:/run/opendmarc/opendmarc.sock
CF
# Debian compiles the Python of a package when it is installed. Here one run of the program does it.
policyd-spf < /dev/null || true
opendkim -x /etc/opendkim.conf
opendmarc -c /etc/opendmarc.conf
