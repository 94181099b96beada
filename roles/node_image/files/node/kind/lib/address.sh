# shellcheck shell=bash
# A container that was restarted may have another address than the one its cluster was made with.

follow_address() {
  local now before certificate
  now=$(timeout 5 getent ahostsv4 "$(hostname)" | head -n1 | cut -d' ' -f1) || true
  if [[ -z $now ]]; then
    say 'this node has no IPv4 address'
    return 0
  fi
  before=$(cat /kind/address 2> /dev/null || true)
  echo -n "$now" > /kind/address
  [[ -n $before && $before != "$now" ]] || return 0
  say "address $before is now $now"
  local files=(/etc/kubernetes/*.conf /etc/kubernetes/manifests/*.yaml /kind/kubeadm.conf /var/lib/kubelet/kubeadm-flags.env)
  local file
  for file in "${files[@]}"; do
    [[ ! -f $file ]] || sed -i "s/\b${before//./\\.}\b/$now/g" "$file"
  done
  # certificates name the address, too; a worker has none of these
  for certificate in apiserver etcd/server etcd/peer; do
    [[ -f /etc/kubernetes/pki/$certificate.crt ]] || continue
    rm -f "/etc/kubernetes/pki/$certificate".{crt,key}
    kubeadm init phase certs "${certificate/\//-}" --config /kind/kubeadm.conf
  done
}
