#!/bin/bash
# Boot a systemd of its own, in namespaces of its own, on a throw-away layer over this machine's
# files. Run as root:  unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child boot.sh
# ROOM is an empty folder, CHECKOUT this repository, VENV and PYTHON an environment and its base.
set -euo pipefail
mount --make-rprivate /
mount -t tmpfs -o size=3g,mode=755 none "$ROOM"
cd /
mkdir "$ROOM"/{upper,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$ROOM/upper,workdir=$ROOM/work" overlay "$ROOM/root"
root=$ROOM/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
for fresh in run tmp; do mount -t tmpfs -o mode=1777 none "$root/$fresh"; done
mount -t tmpfs -o mode=1777 none "$root/dev/shm"
chmod 755 "$root/run"

# The environment as an operator has it: in /opt, where an unprivileged user may read.
site=$(cd "$VENV"/lib/python3*/site-packages && pwd)
home=$root/opt/bookai
mkdir -p "$home"/{python,.venv/bin} "$home/.venv/lib/$(basename "$(dirname "$site")")/site-packages"
mount --bind "$root$CHECKOUT" "$home" && mkdir -p "$home"/{python,.venv/bin}
mkdir -p "$home/.venv/lib/$(basename "$(dirname "$site")")/site-packages"
mount --bind "$root$PYTHON" "$home/python"
mount --bind "$root$site" "$home/.venv/lib/$(basename "$(dirname "$site")")/site-packages"
echo 'import sys; sys.path.insert(0, "/opt/bookai")' > "$root$site/00_box.pth"
# A checkout may have an environment of its own: on this layer it gives way.
ln -sfn /opt/bookai/python/bin/python3 "$home/.venv/bin/python"
printf 'home = /opt/bookai/python/bin\n' > "$home/.venv/pyvenv.cfg"
printf '#!/opt/bookai/.venv/bin/python\nfrom studio.cli import main\nmain()\n' > "$home/.venv/bin/bookai"
chmod 755 "$home/.venv/bin/bookai"

# A Python that was built elsewhere looks for its library there, where the units see nothing.
echo /opt/bookai/python/lib > "$root/etc/ld.so.conf.d/00-box.conf"
chroot "$root" ldconfig

rm -rf "$root"/var/lib/bookai* "$root"/var/lib/private/bookai*
rm -f "$root"/etc/systemd/system/bookai*
printf '[Unit]\nDescription=Box\nWants=systemd-journald.service\n' > "$root/etc/systemd/system/box.target"
# Nothing of the machine's own start: it would set kernel variables, which are everybody's.
printf '[Unit]\nDescription=Box\n' > "$root/etc/systemd/system/sysinit.target"
mount --bind -o ro "$root/proc/sys" "$root/proc/sys"
mkdir -p "$root/etc/credstore"; chmod 700 "$root/etc/credstore"
# Not chroot: inside one, the kernel refuses the user namespaces that PrivateUsers= needs.
mkdir -p "$root/outside" && cd "$root" && pivot_root . outside && umount -l /outside
# As a machine has it: a credential is mounted by one child and must be seen by another.
mount --make-rshared /
exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=box.target --log-target=journal
