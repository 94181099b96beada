# shellcheck shell=bash
# iptables and DNS. The engine's DNS server listens on a loopback address that pods can't reach:
# its rules and resolv.conf are rewritten to the address that the host has towards this node.

readonly ENGINE_DNS=127.0.0.11

prepare_network() {
  choose_iptables
  grep -q "$ENGINE_DNS" /etc/resolv.conf || return 0
  local host
  host=$(host_address)
  iptables-save | sed \
    -e "s/-d $ENGINE_DNS/-d $host/g" \
    -e 's/^-A OUTPUT \(.*\) -j DOCKER_OUTPUT$/&\n-A PREROUTING \1 -j DOCKER_OUTPUT/' \
    -e "s/--to-source :53/--to-source $host:53/g" \
    -e "s/p -j DNAT --to-destination $ENGINE_DNS/p --dport 53 -j DNAT --to-destination $ENGINE_DNS/g" | iptables-restore
  rewrite_resolver "$host"
}

# The rules that the engine put here say which backend it uses: those of the other would not be seen.
choose_iptables() {
  local backend=nft family
  if iptables-legacy-save 2> /dev/null | grep -q DOCKER_OUTPUT || ! iptables-nft -t nat -S > /dev/null 2>&1; then
    backend=legacy
  fi
  for family in iptables ip6tables; do
    update-alternatives --set "$family" "/usr/sbin/$family-$backend" > /dev/null
  done
  say "iptables: $backend"
}

host_address() {
  local address
  address=$(timeout 5 getent ahostsv4 host.docker.internal | head -n1 | cut -d' ' -f1) || true
  if [[ -z $address || $address == 127.* ]]; then
    address=$(ip -4 route show default | cut -d' ' -f3 | head -n1)
  fi
  echo "$address"
}

# KIND_DNS_SEARCH: not set = search domains as they are, empty = none, else these.
rewrite_resolver() {
  local text
  text=$(sed "s/$ENGINE_DNS/$1/g" /etc/resolv.conf)
  if [[ -n ${KIND_DNS_SEARCH+set} ]]; then
    text=$(grep -v '^search' <<< "$text" || true)
    [[ -z $KIND_DNS_SEARCH ]] || text+=$'\n'"search $KIND_DNS_SEARCH"
  fi
  # written in place: the file is a mount
  echo "$text" > /etc/resolv.conf
}
