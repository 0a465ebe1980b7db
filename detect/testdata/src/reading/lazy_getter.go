// Racy shape: a getter called on request goroutines inserts a default for what it misses (dapr state configuration)
package reading

import "net/http"

type storeConfig struct{ prefix string }

var storeConfigs = map[string]*storeConfig{}

func saveStoreConfig(name, prefix string) { storeConfigs[name] = &storeConfig{prefix} }

func storeConfigOf(name string) *storeConfig {
	c := storeConfigs[name]
	if c == nil {
		c = &storeConfig{prefix: "app"}
		storeConfigs[name] = c // want `high unguarded: write of reading.storeConfigs without a lock in storeConfigOf`
	}
	return c
}

func stateKey(store, key string) string { return storeConfigOf(store).prefix + "||" + key }

func getState(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte(stateKey(r.PathValue("store"), r.PathValue("key"))))
}

func StateAPI() error {
	saveStoreConfig("redis", "app")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state/{store}/{key}", getState)
	return http.ListenAndServe(":0", mux)
}
