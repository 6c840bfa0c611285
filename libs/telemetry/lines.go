package telemetry

import (
	"bufio"
	"context"
	"io"
	"sync"
	"time"
)

const (
	// linesWait is how long a line below a warning may wait for others, so that many leave with one system call: what a process that is
	// killed takes with it.
	linesWait = 100 * time.Millisecond
	linesRoom = 64 << 10 // bytes
)

// lines writes log lines in batches. Safe for concurrent use.
type lines struct {
	mu      sync.Mutex
	out     *bufio.Writer
	waiting bool // for the timer
	direct  bool // stopped: nobody would come back for what waits
}

func newLines(out io.Writer) *lines { return &lines{out: bufio.NewWriterSize(out, linesRoom)} }

// Write takes a whole line.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out.Available() < len(line) { // lines stay whole in each write
		if err := l.out.Flush(); err != nil {
			return 0, err
		}
	}
	n, err := l.out.Write(line)
	if err == nil && l.direct {
		err = l.out.Flush()
	}
	if !l.waiting && !l.direct {
		l.waiting = true
		time.AfterFunc(linesWait, func() { _ = l.flush() })
	}
	return n, err
}

// flush writes what waits.
func (l *lines) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	return l.out.Flush()
}

// stop writes what waits, and what comes yet at once.
func (l *lines) stop(context.Context) error {
	l.mu.Lock()
	l.direct = true
	l.mu.Unlock()
	return l.flush()
}
