# shellcheck shell=bash
# kubelet's cgroup root (kind names it /kubelet). On cgroup v2 kubelet.service makes it, after systemd has started.

prepare_cgroups() {
  if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
    say 'cgroup v2'
    return
  fi
  say 'cgroup v1'
  hide_misc_controller
  mount --make-rprivate /sys/fs/cgroup
  local hierarchy
  while read -r hierarchy; do
    own_cgroup "$hierarchy" kubelet
    own_cgroup "$hierarchy" kubelet.slice
  done < <(findmnt -lun -o target -t cgroup)
}

# The engine's runc may know the misc controller where the node's does not, and the two then disagree about every pod.
# systemd mounts what /proc/cgroups lists, so that gets a shorter list until systemd is up (kindlab-mounts.service).
hide_misc_controller() {
  [[ -d /sys/fs/cgroup/misc ]] || return 0
  if ! { umount /sys/fs/cgroup/misc && rmdir /sys/fs/cgroup/misc; }; then
    say 'could not take the misc controller away'
  fi
  mkdir -p /run/kindlab
  grep -v '^misc' /proc/cgroups > /run/kindlab/cgroups
  mount --bind /run/kindlab/cgroups /proc/cgroups
}

own_cgroup() {
  local group=$1/$2
  mkdir -p "$group"
  # an empty cpuset takes no process
  if [[ -f $1/cpuset.cpus ]]; then
    cat "$1/cpuset.cpus" > "$group/cpuset.cpus"
    cat "$1/cpuset.mems" > "$group/cpuset.mems"
  fi
  # as a mount of its own it survives systemd's cleaning up of empty groups
  mount --bind "$group" "$group"
}
