package cloud

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress tells the person at the terminal what happens and how long it took. Safe for concurrent use.
type progress struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, format+"\n", args...) // a closed terminal stops nothing
}

// note is a line of its own among the steps.
func (p *progress) note(text string) { p.say("  · %s", text) }

// step says how what ended, with the time since began.
func (p *progress) step(what, state string, began time.Time) {
	p.say("  %-10s %-8s %6.2f s", what, state, time.Since(began).Seconds())
}
