#!/usr/bin/env bash
# One host of a capture: called inside its own mount and host-name namespaces
# with NAME FOLDER; afterwards it stays so that others can enter.
set -euo pipefail
name=$1 folder=$2
hostname "$name"
mount --make-rprivate /
mkdir -p "$folder"/{etc,dev,home,log,run,mail}
cp -a /etc/. "$folder/etc/"
for d in home log run mail; do chmod 755 "$folder/$d"; done
mount -t tmpfs -o mode=755 tmpfs "$folder/dev"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r file major minor <<< "$node"
  mknod -m 666 "$folder/dev/$file" c "$major" "$minor"
done
mkdir "$folder/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$folder/dev/pts"
ln -s pts/ptmx "$folder/dev/ptmx"
ln -s /proc/self/fd "$folder/dev/fd"
ln -s /run/devlog "$folder/dev/log"
mount --bind "$folder/etc" /etc
mount --bind "$folder/home" /home
mount --bind "$folder/log" /var/log
mount --bind "$folder/run" /run
mount --bind "$folder/mail" /var/mail
mount --rbind "$folder/dev" /dev
echo "$name" > /etc/hostname
printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" > /etc/hosts
ln -sf /usr/share/zoneinfo/Europe/Oslo /etc/localtime
echo Europe/Oslo > /etc/timezone
# Only the system's own accounts, whatever else this machine has.
awk -F: '$3 < 100 || $1 == "nobody" || $1 == "sshd"' "$folder/etc/passwd" > "$folder/passwd"
cat "$folder/passwd" > /etc/passwd
mkdir -p /run/sshd /run/sudo /run/faillock /etc/ssh/keys
rm -f /etc/nologin /run/nologin
echo ready
exec sleep infinity
