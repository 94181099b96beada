# shellcheck shell=bash
# containerd: what this host lets it do, and where its images are.

readonly CAP_SYS_RESOURCE=24

prepare_runtime() {
  limit_oom_scores
  pass_proxies
  share_images
}

# Without CAP_SYS_RESOURCE nobody may lower an OOM score, and pods that ask for it would not start.
limit_oom_scores() {
  local capabilities
  capabilities=$(sed -n 's/^CapBnd:\s*//p' /proc/self/status)
  if (((0x$capabilities >> CAP_SYS_RESOURCE & 1) == 0)) || ! grep -Eq '^ +0 +0 +4294967295$' /proc/self/uid_map; then
    say 'no CAP_SYS_RESOURCE here: pods keep their OOM scores'
    sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml
  fi
}

# kind hands the host's proxies to the node; containerd needs them to pull
pass_proxies() {
  mkdir -p /etc/systemd/system.conf.d
  printf '[Manager]\nDefaultEnvironment="HTTP_PROXY=%s" "HTTPS_PROXY=%s" "NO_PROXY=%s"\n' \
    "${HTTP_PROXY:-}" "${HTTPS_PROXY:-}" "${NO_PROXY:-}" > /etc/systemd/system.conf.d/proxies.conf
}

# The images' layers lie unpacked in the node image, linked from containerd's directory: nodes share them.
# That takes an overlay on top of the engine's own; where the engine leaves no room for it, copy them.
share_images() {
  local snapshots=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots trial=/var/lib/kindlab-trial link
  mkdir -p "$trial"/{upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=/kind/images/1,upperdir=$trial/upper,workdir=$trial/work" "$trial/merged"; then
    umount "$trial/merged"
  else
    say 'this engine lets no overlay share its layers: copying the images'
    for link in "$snapshots"/*/fs; do
      [[ -L $link ]] || continue
      cp -a "$(readlink "$link")" "$link.copy"
      rm "$link"
      mv "$link.copy" "$link"
    done
  fi
  rm -rf "$trial"
}
