// Correct shape: a node fills its tables in Startup, then registers itself with a gRPC server, which calls the methods of the service and no others (nano cluster nodes)
package handlers

import "context"

type routeRequest struct{ route string }

// MemberServer is the service.
type MemberServer interface {
	HandleRoute(context.Context, *routeRequest) (int, error)
}

func RegisterMemberServer(s *grpcServer, srv MemberServer) { s.RegisterService("member", srv) }

// Node is a member of the cluster.
type Node struct {
	server *grpcServer
	routes map[string]int
}

// HandleRoute answers a request of another member.
func (n *Node) HandleRoute(_ context.Context, r *routeRequest) (int, error) {
	return n.routes[r.route], nil
}

// Startup must be called first, and once.
func (n *Node) Startup() error {
	for i, r := range []string{"login", "chat"} {
		n.routes[r] = i
	}
	RegisterMemberServer(n.server, n)
	return nil
}

// Listen makes a node that serves until it is told to stop.
func Listen(stop <-chan struct{}) error {
	n := &Node{server: &grpcServer{impls: map[string]any{}}, routes: map[string]int{}}
	if err := n.Startup(); err != nil {
		return err
	}
	<-stop
	return nil
}
