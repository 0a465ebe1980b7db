// Racy shape: named functions started in a loop, given plain values only, count in a package variable
package plainargs

var visits = map[string]int{}

func visit(url string) { visits[url]++ } // want `high unguarded: update of plainargs.visits`

// Crawl waits for nobody.
func Crawl(urls []string) {
	for _, u := range urls {
		go visit(u)
	}
}
