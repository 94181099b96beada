# shellcheck shell=bash
# Mounts as systemd and kubelet want them.

prepare_mounts() {
  # systemd takes a writable /sys for a sign that it runs on a machine of its own
  mount -o remount,ro /sys || say 'keeping /sys as it is (user namespace?)'
  # what a pod mounts must be seen by other pods of the node
  mount --make-rshared /
}
