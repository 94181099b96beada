// What the agent needs to know of a node.
package podnet

import (
	"net/netip"

	v1 "k8s.io/api/core/v1"
)

// podRange is the node's IPv4 range for pods, or nothing while it has none.
func podRange(node *v1.Node) string {
	for _, candidate := range append([]string{node.Spec.PodCIDR}, node.Spec.PodCIDRs...) {
		if prefix, err := netip.ParsePrefix(candidate); err == nil && prefix.Addr().Is4() {
			return prefix.Masked().String()
		}
	}
	return ""
}

// address is where the node's IPv4 neighbours reach it, or nothing while that isn't known.
func address(node *v1.Node) string {
	for _, candidate := range node.Status.Addresses {
		if candidate.Type != v1.NodeInternalIP {
			continue
		}
		if parsed, err := netip.ParseAddr(candidate.Address); err == nil && parsed.Is4() {
			return parsed.String()
		}
	}
	return ""
}
