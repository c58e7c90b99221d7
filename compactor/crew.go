package compactor

// crew runs tasks on goroutines that stay for the next one: the SDK's calls are
// deep, and a fresh goroutine would grow its stack anew for each request. It has
// as many as were ever at work at once.
type crew struct {
	tasks chan func()
	over  chan struct{}
}

func newCrew() *crew { return &crew{tasks: make(chan func()), over: make(chan struct{})} }

// run starts a task on a goroutine of its own.
func (c *crew) run(task func()) {
	select {
	case c.tasks <- task: // somebody is idle
	default:
		go c.work(task)
	}
}

func (c *crew) work(task func()) {
	for {
		task()
		select {
		case task = <-c.tasks:
		case <-c.over:
			return
		}
	}
}

// dismiss ends the goroutines once they are idle. No task may be started any more.
func (c *crew) dismiss() { close(c.over) }
