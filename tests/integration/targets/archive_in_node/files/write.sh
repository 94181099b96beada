# Fills a volume with special files that an archive must keep.
# shellcheck shell=sh
set -e
cd /data
mkdir -p "a directory" empty many closed
echo kept > "a directory/a file"
ln "a directory/a file" hard
ln -s "a directory/a file" link
ln -s /nowhere/at/all dangling
ln -s ../.. up
mkfifo fifo
printf new > "$(printf 'new\nline')"
printf bytes > "$(printf '\377\376')"
echo dash > ./-rf
printf '' > nothing
for n in $(seq 500); do echo "$n" > "many/$n"; done
head -c 3000000 /dev/urandom > large
dd if=/dev/zero of=holes bs=1 count=0 seek=100000000 2>/dev/null
printf middle | dd of=holes bs=1 seek=50000000 conv=notrunc 2>/dev/null
echo root > setuid
chmod 6755 setuid
chown 1234:5678 large
chmod 000 closed
touch -d '2001-02-03 04:05:06' many/7
