# Lists everything in a volume but the application's journal, which also changes the time of the volume's root.
# shellcheck shell=sh
cd /data || exit
find . -mindepth 1 ! -name journal -exec stat -c '%n|%F|%a|%u|%g|%h|%Y' {} + | sort
find . -mindepth 1 ! -type d ! -name journal -exec stat -c '%n|%s' {} + | sort
find . -type f ! -name journal -exec sha256sum {} + | sort
for name in link dangling up; do readlink "$name"; done
[ "$(stat -c %b holes)" -lt 2000 ] && echo "holes are holes"
