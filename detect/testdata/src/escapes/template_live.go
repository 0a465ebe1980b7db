// Racy shape: a status page renders the live struct with a template, the workers change its map under the lock (dashboards)
package escapes

import (
	"html/template"
	"net/http"
	"sync"
)

type JobBoard struct {
	mu   sync.Mutex
	Jobs map[string]string
}

var boardPage = template.Must(template.New("board").Parse(`{{range $id, $state := .Jobs}}<li>{{$id}} {{$state}}{{end}}`))

func (b *JobBoard) start(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Jobs[id] = "running"
}

func (b *JobBoard) end(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.Jobs, id)
}

func (b *JobBoard) Run(ids chan string) {
	for id := range ids {
		b.start(id)
		go b.end(id)
	}
}

func (b *JobBoard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := boardPage.Execute(w, b); err != nil { // want `medium iteration: range of JobBoard.Jobs without JobBoard.mu`
		println(err.Error())
	}
}
