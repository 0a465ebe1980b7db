package registry

// Imitates dapr's statesConfiguration: a getter that inserts the default it did not find.

type storeConfig struct{ prefix string }

var statesConfiguration = make(map[string]*storeConfig) // racy

// ModifiedKey returns the key as the store knows it.
func ModifiedKey(key, store string) string {
	c, ok := statesConfiguration[store]
	if !ok {
		c = &storeConfig{prefix: "app"}
		statesConfiguration[store] = c
	}
	return c.prefix + "||" + key
}

// SaveAll saves keys in parallel.
func SaveAll(keys []string, store string) <-chan string {
	out := make(chan string, len(keys))
	for _, k := range keys {
		go func() { out <- ModifiedKey(k, store) }()
	}
	return out
}
