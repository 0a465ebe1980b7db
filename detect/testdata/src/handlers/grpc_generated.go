// Racy shape: the generated RegisterXServer of a gRPC service is called with a server whose streams are kept in a bare map
package handlers

import "context"

type subscribeRequest struct{ topic string }

type FeedServer interface {
	Subscribe(context.Context, *subscribeRequest) (int, error)
	Publish(context.Context, *subscribeRequest) (int, error)
}

type grpcServer struct{ impls map[string]any }

func (s *grpcServer) RegisterService(name string, impl any) { s.impls[name] = impl }

func RegisterFeedServer(s *grpcServer, srv FeedServer) { s.RegisterService("feed", srv) }

type feedService struct {
	topics map[string]int
}

func (f *feedService) Subscribe(_ context.Context, r *subscribeRequest) (int, error) {
	f.topics[r.topic]++ // want `(medium|high) unguarded: update of feedService.topics`
	return f.topics[r.topic], nil
}

func (f *feedService) Publish(_ context.Context, r *subscribeRequest) (int, error) {
	return f.topics[r.topic], nil
}

func main() {
	s := &grpcServer{impls: map[string]any{}}
	RegisterFeedServer(s, &feedService{topics: map[string]int{}})
}

func init() { _ = main }
