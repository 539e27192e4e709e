# What every peer's root needs before its own script goes on. Arguments: port; and where mail is sent on to,
# a port of 127.0.0.1 (nothing: it is thrown away), and whether over TLS (yes or no). Where there is
# a folder /store, the queue is kept and the mail stored there, on the disk that is being measured.
set -eu
PORT=$1 RELAY=${2:-} TLS=${3:-yes}
user() {  # name and number
    grep -q "^$1:" /etc/passwd || echo "$1:x:$2:$2::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
    grep -q "^$1:" /etc/group || echo "$1:x:$2:" >> /etc/group
}
[ -s /etc/passwd ] || printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' > /etc/passwd
[ -s /etc/group ] || printf 'root:x:0:\nmail:x:8:\nnogroup:x:65534:\n' > /etc/group
grep -q '^mail:' /etc/passwd || echo 'mail:x:8:8::/var/mail:/usr/sbin/nologin' >> /etc/passwd
user alice 2001
user bob 2002
echo '127.0.0.1 localhost peer.example.test' > /etc/hosts
echo 'hosts: files' > /etc/nsswitch.conf
: > /etc/resolv.conf
mkdir -p /tmp /var/mail /root
chmod 1777 /tmp
STORE=
if [ -d /store ]; then
    STORE=/store/mail
    mkdir -p /store/queue $STORE
    chown alice:alice $STORE
fi
