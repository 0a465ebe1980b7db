package confined

import "sort"

// Group groups words by their first letter.
func Group(words []string) []string {
	groups := map[byte][]string{}
	for _, w := range words {
		if w != "" {
			groups[w[0]] = append(groups[w[0]], w)
		}
	}
	var keys []string
	for k := range groups {
		keys = append(keys, string(k))
	}
	sort.Strings(keys)
	return keys
}
