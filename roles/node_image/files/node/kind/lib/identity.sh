# shellcheck shell=bash
# Nodes share a machine, and must not look as if they were the same one.

prepare_identity() {
  rm -f /etc/machine-id /var/lib/dbus/machine-id
  systemd-machine-id-setup
  [[ -f /kind/product_uuid ]] || cat /proc/sys/kernel/random/uuid > /kind/product_uuid
  echo kind > /kind/product_name
  local fact
  for fact in /sys/class/dmi/id/product_name /sys/class/dmi/id/product_uuid /sys/devices/virtual/dmi/id/product_uuid; do
    [[ ! -f $fact ]] || mount -o ro,bind "/kind/${fact##*/}" "$fact"
  done
}
