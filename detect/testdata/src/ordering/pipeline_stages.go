// Correct shape: a pointer travels through stages by channels, each stage changes its map in turn (etl pipelines)
package ordering

type record struct {
	fields map[string]string
	errs   map[string]error
}

func parse(lines <-chan string, out chan<- *record) {
	defer close(out)
	for l := range lines {
		r := &record{fields: map[string]string{"raw": l}}
		out <- r
	}
}

func enrich(in <-chan *record, out chan<- *record, lookup func(string) string) {
	defer close(out)
	for r := range in {
		r.fields["geo"] = lookup(r.fields["raw"])
		if r.fields["geo"] == "" {
			r.errs = map[string]error{"geo": nil}
		}
		out <- r
	}
}

func sink(in <-chan *record, write func(map[string]string)) {
	for r := range in {
		delete(r.fields, "raw")
		write(r.fields)
	}
}

func ETL(lines <-chan string, lookup func(string) string, write func(map[string]string)) {
	parsed, enriched := make(chan *record), make(chan *record)
	go parse(lines, parsed)
	go enrich(parsed, enriched, lookup)
	sink(enriched, write)
}
