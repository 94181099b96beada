// Routes to the other nodes' pods, marked as ours so that stale ones can be told from foreign ones.
package podnet

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"k8s.io/klog/v2"
)

const protocol netlink.RouteProtocol = 107 // a number that no routing daemon has registered

// syncRoutes makes the marked routes equal to wanted: pod range -> the node to send it to.
func syncRoutes(wanted map[string]string) error {
	existing, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("listing routes: %w", err)
	}
	there := map[string]string{}
	for _, route := range existing {
		if _, ok := wanted[route.Dst.String()]; ok {
			there[route.Dst.String()] = route.Gw.String()
			continue
		}
		if err := netlink.RouteDel(&route); err != nil {
			return fmt.Errorf("removing the route to %s: %w", route.Dst, err)
		}
		klog.InfoS("Removed a stale route", "range", route.Dst.String())
	}
	for destination, gateway := range wanted {
		if there[destination] == gateway {
			continue
		}
		_, parsed, err := net.ParseCIDR(destination)
		if err != nil {
			return err
		}
		route := netlink.Route{Dst: parsed, Gw: net.ParseIP(gateway), Protocol: protocol}
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("route to %s by %s: %w", destination, gateway, err)
		}
		klog.InfoS("Set a route", "range", destination, "node", gateway)
	}
	return nil
}
