// Racy shape: go wait.Until(k.sync, …) in one package, the synced map is written by an exported method of another (kubernetes)
package kubelet

import (
	"time"

	"cases/modwait/wait"
)

type Kubelet struct {
	pods map[string]string
	stop chan struct{}
}

func New() *Kubelet { return &Kubelet{pods: map[string]string{}, stop: make(chan struct{})} }

func (k *Kubelet) Run() {
	go wait.Until(k.syncPods, time.Second, k.stop)
	go wait.Until(k.reap, time.Minute, k.stop)
}

func (k *Kubelet) syncPods() {
	for name, phase := range k.pods {
		if phase == "pending" {
			k.pods[name] = "running" // want `(medium|high) unguarded: .* of Kubelet.pods`
		}
	}
}

func (k *Kubelet) reap() {
	for name, phase := range k.pods {
		if phase == "done" {
			delete(k.pods, name)
		}
	}
}
