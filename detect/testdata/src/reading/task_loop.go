// Racy shape: the scheduler's loop ranges over and measures the task list without the lock that AddTask takes (beego tasks)
package reading

import (
	"sync"
	"time"
)

type task struct{ next time.Time }

type taskManager struct {
	lock  sync.Mutex
	tasks map[string]*task
	stop  chan struct{}
}

func (m *taskManager) addTask(name string, t *task) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.tasks[name] = t
}

func (m *taskManager) deleteTask(name string) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.tasks, name)
}

func (m *taskManager) run() {
	for {
		first := time.Now().Add(time.Hour)
		for _, t := range m.tasks { // want `(medium|high) iteration: range of taskManager.tasks without taskManager.lock in \(\*taskManager\).run`
			if t.next.Before(first) {
				first = t.next
			}
		}
		select {
		case <-m.stop:
			return
		case <-time.After(time.Until(first)):
		}
	}
}

var scheduler = &taskManager{tasks: map[string]*task{}, stop: make(chan struct{})}

func StartTasks() { go scheduler.run() }

func AddTask(name string, t *task) { scheduler.addTask(name, t) }

func DeleteTask(name string) { scheduler.deleteTask(name) }
