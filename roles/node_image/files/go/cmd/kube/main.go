// kube is every Kubernetes program of a node in one file, told apart by the name it is called by.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // CronJobs name time zones, and the images carry no files for them

	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

func main() {
	name := filepath.Base(os.Args[0])
	if run, ok := programs[name]; ok {
		os.Exit(run())
	}
	names := make([]string, 0, len(programs))
	for program := range programs {
		names = append(names, program)
	}
	slices.Sort(names)
	fmt.Fprintf(os.Stderr, "%s: call me by one of these names: %s\n", name, strings.Join(names, " "))
	os.Exit(2)
}
