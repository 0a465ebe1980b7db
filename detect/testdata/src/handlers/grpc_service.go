// Racy shape: a registered gRPC service keeps its state in a map that unary methods write without a lock (route guide servers)
package handlers

import "context"

type saveRequest struct{ key, value string }

type saveReply struct{ revision int }

type notesServer interface {
	Save(context.Context, *saveRequest) (*saveReply, error)
	Load(context.Context, *saveRequest) (*saveReply, error)
}

type serviceRegistrar interface {
	RegisterService(name string, impl any)
}

func registerNotesServer(r serviceRegistrar, srv notesServer) { r.RegisterService("notes", srv) }

type notes struct {
	revisions map[string]int
}

func (n *notes) Save(_ context.Context, req *saveRequest) (*saveReply, error) {
	n.revisions[req.key]++ // want `(medium|high) unguarded: update of notes.revisions`
	return &saveReply{n.revisions[req.key]}, nil
}

func (n *notes) Load(_ context.Context, req *saveRequest) (*saveReply, error) {
	return &saveReply{n.revisions[req.key]}, nil
}

func ServeNotes(r serviceRegistrar) { registerNotesServer(r, &notes{revisions: map[string]int{}}) }
