package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postern-id/postern/tools/devcloud/internal/config"
	"github.com/postern-id/postern/tools/devcloud/internal/supervise"
)

// platform is the one process with all of Postern's services in it, started again whenever it ends unasked.
type platform struct {
	bin      string
	env      []string
	ready    string // URL
	logFile  string
	progress *progress

	mu      sync.Mutex
	process *supervise.Process
	begun   bool // has been ready once
	// changed is called with the process ID after each start.
	changed func(pid int)
}

const (
	// What it gets to finish requests after SIGTERM.
	platformGrace = 15 * time.Second
	// A platform that ends this often without ever having been ready will not become so.
	hopeless   = 3
	maxBackOff = 10 * time.Second
)

var errHopeless = errors.New("the platform ends again and again before it is ready")

// run keeps the platform running until ctx ends, then stops it. It returns early only if the platform never becomes ready.
func (p *platform) run(ctx context.Context) error {
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the platform's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	backOff := 100 * time.Millisecond
	for failures := 0; ; {
		began := time.Now()
		lines := &logLines{file: log, progress: p.progress}
		cmd := exec.Command(p.bin) //nolint:gosec,noctx // the platform, ended below in order
		cmd.Env = p.env
		cmd.Stdout, cmd.Stderr = lines, lines
		process, err := supervise.Start(cmd, syscall.SIGKILL)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.process = process
		p.mu.Unlock()
		if p.changed != nil {
			p.changed(process.PID())
		}
		select {
		case <-ctx.Done():
			asked := time.Now()
			process.Stop(context.WithoutCancel(ctx), syscall.SIGTERM, platformGrace)
			p.progress.step("platform", "stopped", asked)
			return nil
		case <-process.Done():
		}
		p.mu.Lock()
		begun := p.begun
		p.mu.Unlock()
		if !begun {
			if failures++; failures == hopeless {
				return fmt.Errorf("%w (last: %s); see %s", errHopeless, lines.last(), p.logFile)
			}
		}
		if time.Since(began) > 30*time.Second {
			backOff = 100 * time.Millisecond
		}
		p.progress.note(fmt.Sprintf("the platform ended (%s); starting it again", how(process.Err())))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backOff):
		}
		backOff = min(2*backOff, maxBackOff)
	}
}

func how(err error) string {
	if err == nil {
		return "status 0"
	}
	return err.Error()
}

// awaitReady returns when the platform says that it and its engines are ready.
func (p *platform) awaitReady(ctx context.Context) error {
	client := &http.Client{Timeout: 5 * time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ready, nil)
		if err != nil {
			return fmt.Errorf("asking whether the platform is ready: %w", err)
		}
		res, err := client.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				p.mu.Lock()
				p.begun = true
				p.mu.Unlock()
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// kill ends the platform as a crash would; run starts it again.
func (p *platform) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		p.process.Signal(syscall.SIGKILL)
	}
}

// logLines keeps everything the platform says and shows what a person should see: warnings, errors, and whatever is not a log line,
// such as a panic.
type logLines struct {
	file     io.Writer
	progress *progress

	mu      sync.Mutex
	partial []byte
	shown   string
}

// Write implements io.Writer.
func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.file.Write(b) // a full disk must not stop the platform
	text := append(l.partial, b...)
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			break
		}
		l.show(line)
		text = rest
	}
	l.partial = append(l.partial[:0], text...)
	return len(b), nil
}

// unshown is in the lines that nobody needs to see, which are most: they are told by these words, which no string within a line can hold,
// since its quotes are escaped there.
var unshown = [][]byte{[]byte(`"level":"INFO"`), []byte(`"level":"DEBUG"`)}

func (l *logLines) show(line []byte) {
	if len(line) > 0 && line[0] == '{' && slices.ContainsFunc(unshown, func(words []byte) bool { return bytes.Contains(line, words) }) {
		return
	}
	text := strings.TrimSpace(string(line))
	if text == "" {
		return
	}
	var entry map[string]any
	if json.Unmarshal(line, &entry) != nil {
		l.shown = text
		l.progress.say("  | %s", text)
		return
	}
	level, _ := entry["level"].(string)
	if level != "WARN" && level != "ERROR" {
		return
	}
	message, _ := entry["msg"].(string)
	delete(entry, "level")
	delete(entry, "msg")
	delete(entry, "time")
	details := ""
	if rest, err := json.Marshal(entry); err == nil && len(entry) > 0 {
		details = " " + string(rest)
	}
	l.shown = message + details
	l.progress.say("  | %s %s%s", level, message, details)
}

func (l *logLines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown == "" {
		return "it said nothing"
	}
	return l.shown
}

// environment is the contract with the platform's binary (README): how it finds the engines and what they know it by.
func environment(cfg config.Config, set map[string]string) []string {
	set["POSTERN_BASE_DOMAIN"] = cfg.BaseDomain
	set["POSTERN_HTTPS_ADDR"] = cfg.HTTPSAddr
	set["POSTERN_HTTP_ADDR"] = cfg.HTTPAddr
	set["POSTERN_PRIVATE_ADDR"] = cfg.PrivateAddr
	set["POSTERN_CELLS"] = cfg.Cells()
	var env []string
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); set[name] == "" {
			env = append(env, kv)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return env
}
