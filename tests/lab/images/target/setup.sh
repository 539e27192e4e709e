#!/bin/sh
# Makes the Debian root into what a deploy sees on a Fedora Server. Run by mmdebstrap as a customize hook.
set -eu
root=$1
here=$(dirname "$0")

ln -sf dnf5 "$root/usr/bin/dnf"
ln -sf dnf5 "$root/usr/bin/yum"
sed -i 's/^DefaultZone=.*/DefaultZone=FedoraServer/' "$root/etc/firewalld/firewalld.conf"

# Fedora's cloud images log in as `fedora`, who may sudo without a password.
chroot "$root" groupadd --system wheel
chroot "$root" useradd --create-home --shell /bin/bash --groups wheel fedora
echo '%wheel ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/wheel"
chmod 0440 "$root/etc/sudoers.d/wheel"

# The repository: packages.spec says which RPMs there are; their content is that of Debian's packages.
build=$root/tmp/build
mkdir -p "$build" "$root/srv/packages"
cp "$here/packages.spec" "$build/"
chroot "$root" sh -euc '
    cd /tmp/build
    apt-get download -q firewalld openssl >/dev/null
    for package in firewalld openssl; do
        dpkg-deb -x "$package"_*.deb "$package"
        rm -rf "$package"/usr/share/man "$package"/usr/share/doc "$package"/usr/share/locale
    done
    cp /etc/firewalld/firewalld.conf firewalld/etc/firewalld/
    cp /usr/lib/firewalld/zones/Fedora*.xml firewalld/usr/lib/firewalld/zones/
    rm -f firewalld/etc/init.d/* && rmdir --ignore-fail-on-non-empty firewalld/etc/init.d 2>/dev/null || :
    python=$(python3 -c "import sys; print(\"%d.%d.%d\" % sys.version_info[:3])")
    version() { dpkg-query -W -f "\${Version}" "$1" | sed "s/^[0-9]*://; s/[-+~].*//"; }
    openssl=$(dpkg-deb -f openssl_*.deb Version | sed "s/^[0-9]*://; s/[-+~].*//")
    rpmbuild -bb --quiet --define "_topdir /tmp/build" --define "_rpmdir /srv/packages" \
        --define "_binary_payload w1.zstdio" --define "python_version $python" \
        --define "firewalld_version $(version firewalld)" --define "openssl_version $openssl" \
        --define "systemd_version $(version systemd)" --define "nftables_version $(version nftables)" \
        packages.spec
    createrepo_c --quiet /srv/packages
    # A Fedora Server comes with everything but openssl; dnf is what puts it in, as in the installer.
    # The files are there already and the same, so rpm is told only to take them over.
    rpm --install --nodeps --force --noscripts $(find /srv/packages -name "*.rpm" ! -name "openssl-*")
    rm -rf /var/lib/apt/lists/*
'
rm -rf "$build"
chroot "$root" systemctl enable -q firewalld.service
