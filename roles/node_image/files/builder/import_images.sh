#!/bin/sh
# Let containerd unpack DIR/images.tar into DIR/store, in a node's file system made of DIR/lower and DIR/upper.
# usage, in a mount and pid namespace of its own: import_images.sh DIR LAYER...
set -eu
dir=$1
shift
node=$dir/merged
mkdir -p "$node" "$dir/overlay"
mount -t overlay overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/overlay" "$node"
mkdir -p "$node/var/lib/containerd"
mount --bind "$dir/store" "$node/var/lib/containerd"
mount -t proc proc "$node/proc"
mount --rbind /sys "$node/sys"
mount --rbind /dev "$node/dev"
for scratch in run tmp; do mount -t tmpfs tmpfs "$node/$scratch"; done

chroot "$node" systemctl enable --quiet containerd.service kubelet.service kindlab-mounts.service
chroot "$node" systemctl mask --quiet systemd-binfmt.service
chroot "$node" systemctl set-default --quiet multi-user.target

# the plugin that speaks to kubelet is of no use here, and wants more of the machine than there is
printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' > "$node/run/import.toml"
chroot "$node" containerd --config /run/import.toml &
server=$!
ctr() { chroot "$node" ctr --namespace k8s.io "$@"; }
until ctr version > /dev/null 2>&1; do
  kill -0 "$server" || { echo 'containerd ended before it answered'; exit 1; }
  sleep 0.2
done

mkdir "$node/run/images"
mount --bind "$dir" "$node/run/images"
ctr images import --snapshotter overlayfs /run/images/images.tar
# unpacked is enough: packed once more they would only be copied to every node
for layer in "$@"; do ctr content rm "$layer"; done
kill "$server"
wait "$server" || true
