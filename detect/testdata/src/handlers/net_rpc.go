// Racy shape: net/rpc serves methods of a registered value, each call in a goroutine (key-value stores)
package handlers

import (
	"net"
	"net/rpc"
)

type PutArgs struct{ Key, Value string }

type KV struct {
	data map[string]string
}

func (kv *KV) Put(args *PutArgs, ok *bool) error {
	kv.data[args.Key] = args.Value // want `(medium|high) unguarded: write of KV.data`
	*ok = true
	return nil
}

func (kv *KV) Get(key string, value *string) error {
	*value = kv.data[key]
	return nil
}

func ServeKV(l net.Listener) error {
	s := rpc.NewServer()
	if err := s.Register(&KV{data: map[string]string{}}); err != nil {
		return err
	}
	s.Accept(l)
	return nil
}
