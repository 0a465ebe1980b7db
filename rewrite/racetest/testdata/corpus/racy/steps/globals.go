package steps

// Imitates package-level tables of a daemon.

var restarts = map[string]int{} // racy

// Restarted counts a restart.
func Restarted(unit string) { restarts[unit]++ }

// Supervise restarts units in the background.
func Supervise(units []string) {
	for _, u := range units {
		go Restarted(u)
	}
}

var sinks = map[string]*sink{} // racy

type sink struct{ lines int }

// SinkFor returns the sink of a unit, made on first use.
func SinkFor(unit string) *sink {
	s, ok := sinks[unit]
	if !ok {
		s = &sink{}
		sinks[unit] = s
	}
	return s
}

// Drain opens the sinks of many units at once.
func Drain(units []string) {
	for _, u := range units {
		go SinkFor(u)
	}
}
