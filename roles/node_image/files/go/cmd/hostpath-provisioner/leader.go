// One replica at work at a time, and the next one as soon as that one ends.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// How long a lease holds when its holder dies, and how it is kept until then: the values of Kubernetes' own programs.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// lead waits for the lease and does the work while it is held, until ctx ends. The lease is given back only when the
// work has ended. It is an error to lose it.
func lead(ctx context.Context, client kubernetes.Interface, namespace, driver string, work func(context.Context)) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	identity := resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())}
	name := strings.ReplaceAll(driver, "/", "-")
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, namespace, name, client.CoreV1(), client.CoordinationV1(), identity)
	if err != nil {
		return err
	}
	holding, giveBack := context.WithCancel(context.Background())
	defer giveBack()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   leaseDuration,
		RenewDeadline:   renewDeadline,
		RetryPeriod:     retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				working, end := context.WithCancel(leading)
				defer end()
				context.AfterFunc(ctx, end)
				work(working)
				giveBack()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() {
		if !elector.IsLeader() { // one that only waits has nothing to finish
			giveBack()
		}
	})
	elector.Run(holding)
	if ctx.Err() == nil {
		return fmt.Errorf("the lease %s/%s was lost", namespace, name)
	}
	return nil
}
