#!/bin/sh
# Run by mmdebstrap as a customize hook, with the new root as its argument, before the machine's own setup.sh.
set -eu
root=$1

# The keys are the lab's own, made at `up`; the machine's identity too (an empty one means "first boot").
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/systemd/network/"*
rm -f "$root"/usr/lib/systemd/network/80-container-*

# user@.service: a login after a quiet while would wait 100 s for it.
# The rest has nothing to do in a container without a console, a clock or a network of its own choosing.
for unit in user@.service console-getty.service getty.target systemd-networkd.service systemd-networkd.socket \
    systemd-networkd-wait-online.service systemd-firstboot.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-pcrlock.target; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
chroot "$root" systemctl enable -q lab-network.service ssh.service
