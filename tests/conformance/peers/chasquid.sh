. /peers/common.sh
mkdir -p /etc/chasquid/certs/peer.example.test /etc/chasquid/domains/example.test /var/lib/chasquid
cp /peers/certificate.pem /etc/chasquid/certs/peer.example.test/fullchain.pem
cp /peers/key.pem /etc/chasquid/certs/peer.example.test/privkey.pem
cat > /etc/chasquid/chasquid.conf <<CF
hostname: "peer.example.test"
smtp_address: "127.0.0.1:$PORT"
mail_delivery_agent_bin: "/bin/cat"
data_dir: "/var/lib/chasquid"
mail_log_path: "/dev/null"
CF
printf '%s: | /bin/cat\n' alice bob postmaster > /etc/chasquid/domains/example.test/aliases
rm -rf /etc/chasquid/hooks
exec /usr/bin/chasquid --config_dir=/etc/chasquid
