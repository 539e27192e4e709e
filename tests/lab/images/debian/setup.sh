#!/bin/sh
# A bare Debian host, and a package repository of its own, because a machine of the lab reaches no other.
# Run by mmdebstrap as a customize hook, with the new root as its argument.
set -eu
root=$1
chroot "$root" sh -euc '
    mkdir -p /srv/packages
    DEBIAN_FRONTEND=noninteractive apt-get -q -y install --download-only --no-install-recommends \
        -o Dir::Cache::Archives=/srv/packages python3 openssl postfix >/dev/null
    rm -rf /srv/packages/partial /srv/packages/lock
    cd /srv/packages
    for package in *.deb; do
        dpkg-deb --field "$package"
        echo "Filename: ./$package"
        echo "Size: $(stat -c %s "$package")"
        echo "SHA256: $(sha256sum "$package" | cut -d" " -f1)"
        echo
    done >Packages
    rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
    echo "deb [trusted=yes] file:/srv/packages ./" >/etc/apt/sources.list
'
