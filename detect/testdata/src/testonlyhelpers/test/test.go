// Package test helps tests to run servers.
package test

import (
	"testing"

	"cases/testonlyhelpers/server"
)

// RunServer starts a server, and starts it again after each reload.
func RunServer(t testing.TB, reload <-chan string) *server.Server {
	t.Helper()
	s := server.New()
	for range reload {
		go s.Start(reload)
	}
	return s
}
