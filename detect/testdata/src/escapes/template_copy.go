// Correct shape: the page is rendered from a copy that was made under the lock (dashboards)
package escapes

import (
	"html/template"
	"maps"
	"net/http"
	"sync"
)

type QueuePage struct {
	mu      sync.Mutex
	Lengths map[string]int
}

var queuePage = template.Must(template.New("queues").Parse(`{{range $q, $n := .Lengths}}{{$q}}: {{$n}}{{end}}`))

func (p *QueuePage) put(q string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Lengths[q]++
}

func (p *QueuePage) Run(in chan string) {
	for q := range in {
		go p.put(q)
	}
}

func (p *QueuePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	view := QueuePage{Lengths: maps.Clone(p.Lengths)}
	p.mu.Unlock()
	if err := queuePage.Execute(w, &view); err != nil {
		println(err.Error())
	}
}
