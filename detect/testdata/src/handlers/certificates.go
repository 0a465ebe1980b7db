// Racy shape: tls.Config.GetCertificate is a method value that fills a cache on a miss (autocert, caddy)
package handlers

import (
	"crypto/tls"
	"net"
)

type certStore struct {
	load  func(name string) (*tls.Certificate, error)
	cache map[string]*tls.Certificate
}

func (s *certStore) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c, ok := s.cache[hello.ServerName]; ok {
		return c, nil
	}
	c, err := s.load(hello.ServerName)
	if err != nil {
		return nil, err
	}
	s.cache[hello.ServerName] = c // want `(medium|high) unguarded: write of certStore.cache`
	return c, nil
}

func ListenTLS(l net.Listener, load func(string) (*tls.Certificate, error)) net.Listener {
	s := &certStore{load: load, cache: make(map[string]*tls.Certificate)}
	return tls.NewListener(l, &tls.Config{GetCertificate: s.get})
}
