// Correct shape: loops run in an errgroup kept in a field, Close waits for the group and then saves the map (offset trackers)
package ordering

import (
	"golang.org/x/sync/errgroup"
)

type offsetTracker struct {
	group   errgroup.Group
	in      chan string
	offsets map[string]int64
	save    func(string, int64) error
}

func newOffsetTracker(save func(string, int64) error) *offsetTracker {
	t := &offsetTracker{in: make(chan string), offsets: map[string]int64{}, save: save}
	t.group.Go(t.loop)
	return t
}

func (t *offsetTracker) loop() error {
	for topic := range t.in {
		t.offsets[topic]++
	}
	return nil
}

func (t *offsetTracker) Mark(topic string) { t.in <- topic }

func (t *offsetTracker) Close() error {
	close(t.in)
	if err := t.group.Wait(); err != nil {
		return err
	}
	for topic, off := range t.offsets {
		if err := t.save(topic, off); err != nil {
			return err
		}
		delete(t.offsets, topic)
	}
	return nil
}
