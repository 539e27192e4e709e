#!/bin/sh
# A node of Ceph: run by mmdebstrap as a customize hook, with the new root as its argument.
# Which of its daemons start is said by the files of each node, because each has another number.
set -eu
root=$1
rm -rf "$root"/etc/ceph/* "$root"/var/lib/apt/lists/*
# What Ceph's packages bring along for disks that a container has not.
for unit in ceph-crash.service rbdmap.service blk-availability.service lvm2-monitor.service lvm2-lvmpolld.socket \
    dm-event.socket nvmf-autoconnect.service nvmefc-boot-connections.service smartmontools.service \
    xfs_healer_start.service xfs_scrub_all.timer e2scrub_reap.service logrotate.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
