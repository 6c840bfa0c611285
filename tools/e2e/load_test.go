//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/testkit"
)

// The kinds of requests that a load is made of, each named for what it is answered with.
const (
	documents = "documents" // discovery and JWKS
	machine   = "machine"   // client_credentials
	silent    = "silent"    // /authorize with a session
	password  = "password"  // the login page, and the way there and back
	exchange  = "exchange"  // of a code
	refresh   = "refresh"   // with rotation
	userinfo  = "userinfo"  // by an opaque token
)

var kinds = []string{documents, machine, silent, password, exchange, refresh, userinfo}

// given is what the audit log calls tokens that were handed out.
var given = map[string]string{machine: "seccft", exchange: "seacft", refresh: "sertft"}

// verdict is what became of a request.
type verdict string

const (
	granted verdict = "granted" // what was asked for
	refused verdict = "refused" // 503, as the wire has it
	denied  verdict = "denied"  // 403 invalid_grant: what was presented had been used before
	broken  verdict = "broken"  // no answer, half of one, or the router's, who had none
	wrong   verdict = "wrong"   // anything else
)

// shot is a request of a load and its answer. The audit log knows it by its number, which is in the User-Agent header.
type shot struct {
	number       int64
	kind, client string
	presented    string // what it brought and may have used once
	began, ended time.Time
	verdict      verdict
	event        string // what the audit log calls an event that the answer tells of; empty: none
	header       http.Header
	status       int
	body         string
	err          error
}

// agent is how the audit log shows the shot's User-Agent header.
func (s *shot) agent() string { return fmt.Sprintf("shot %d.0.0 / Other 0.0.0", s.number) }

func (s *shot) String() string {
	return fmt.Sprintf("%s, shot %d: %d %s %v", s.kind, s.number, s.status, s.body, s.err)
}

// token reads a value of the answer's JSON.
func (s *shot) token(name string) string {
	var answer map[string]any
	_ = json.Unmarshal([]byte(s.body), &answer)
	value, _ := answer[name].(string)
	return value
}

// shots numbers all requests of all loads.
var shots atomic.Int64

// load is several clients at work on one tenant, each by itself, who write down how every request of theirs ended.
type load struct {
	stop    chan struct{}
	ending  sync.Once
	workers sync.WaitGroup

	mu  sync.Mutex
	all []*shot
}

// pace is how long a client waits after its answer.
const pace = 10 * time.Millisecond

// work begins a client: turn after turn until the load ends.
func (l *load) work(turn func()) {
	l.workers.Go(func() {
		for {
			turn()
			select {
			case <-l.stop:
				return
			case <-time.After(pace):
			}
		}
	})
}

// end waits until every client has come to the end of its turn.
func (l *load) end() {
	l.ending.Do(func() { close(l.stop) })
	l.workers.Wait()
}

func (l *load) sent() []*shot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.all)
}

// await waits until, of each kind, n shots that began after a moment are as wanted.
func (l *load) await(t *testing.T, after time.Time, n int, wanted func(*shot) bool) {
	t.Helper()
	testkit.Eventually(t, soon, func() error {
		have := map[string]int{}
		for _, s := range l.sent() {
			if s.began.After(after) && wanted(s) {
				have[s.kind]++
			}
		}
		for _, kind := range kinds {
			if have[kind] < n {
				return fmt.Errorf("%w: of %s there are %d of %d", errNotYet, kind, have[kind], n)
			}
		}
		return nil
	})
}

// client is one of a load's clients, as which one request at a time is sent.
type client struct {
	*application
	*recorder
}

// client makes a client that sends requests of a kind, with p's cookies.
func (l *load) client(app *application, kind string, p person) *client {
	r := &recorder{load: l, kind: kind, client: app.id, next: p.Transport}
	through := *p.Client
	through.Transport = r
	own, s := *app, *app.signup
	s.person = person{&through}
	own.signup, own.browser = &s, s.person
	return &client{&own, r}
}

// recorder sends requests as shots.
type recorder struct {
	load         *load
	kind, client string
	next         http.RoundTripper

	presented string // what the next requests bring and may use once
	last      *shot
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	s := &shot{number: shots.Add(1), kind: r.kind, client: r.client, presented: r.presented, began: time.Now()}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", fmt.Sprintf("shot/%d", s.number))
	if req.Method == http.MethodGet { // else the transport may send it twice, and tell of one of them
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	res, err := r.next.RoundTrip(req)
	if err == nil {
		var raw []byte
		raw, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		s.status, s.header, s.body = res.StatusCode, res.Header, string(raw)
		res.Body = io.NopCloser(bytes.NewReader(raw))
	}
	s.ended, s.err = time.Now(), err
	s.judge(req.URL.Path)
	r.last = s
	r.load.mu.Lock()
	r.load.all = append(r.load.all, s)
	r.load.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return res, nil
}

// judge says what became of a request to path, and what the audit log must have of it.
func (s *shot) judge(path string) {
	location := s.header.Get("Location")
	handedOver := strings.HasPrefix(location, redirectURI+"?code=")
	var network net.Error
	switch {
	case s.err != nil && (errors.As(s.err, &network) && network.Timeout() || errors.Is(s.err, context.DeadlineExceeded) || errors.Is(s.err, context.Canceled)):
		s.verdict = wrong
	case s.err != nil:
		s.verdict = broken
	case s.status == http.StatusServiceUnavailable && s.token("message") == "This service is away" && s.comesBack():
		s.verdict = broken
	case s.status == http.StatusServiceUnavailable && s.refusedRightly():
		s.verdict = refused
	case s.kind == silent && s.status == http.StatusFound && handedOver:
		s.verdict, s.event = granted, "ssa"
	case s.kind == password && path == "/u/login" && s.status == http.StatusOK, s.kind == password && path == "/authorize" && s.status == http.StatusFound:
		s.verdict = granted // the page, and the way to it
	case s.kind == password && path == "/u/login" && s.status == http.StatusSeeOther:
		s.verdict, s.event = granted, "s"
	case s.kind == password && handedOver:
		s.verdict = granted
	case s.status == http.StatusOK && s.kind != silent && s.kind != password:
		s.verdict, s.event = granted, given[s.kind]
	case s.status == http.StatusForbidden && s.kind == exchange && s.token("error") == "invalid_grant":
		s.verdict, s.event = denied, "feacft"
	case s.status == http.StatusForbidden && s.kind == refresh && s.token("error") == "invalid_grant":
		s.verdict, s.event = denied, "ferrt"
	default:
		s.verdict = wrong
	}
}

// comesBack says whether the answer says when to come back, and gives nothing.
func (s *shot) comesBack() bool {
	seconds, err := strconv.Atoi(s.header.Get("Retry-After"))
	return err == nil && seconds > 0 && !strings.Contains(s.body, "_token") && s.header.Get("Location") == ""
}

// refusedRightly holds an answer of 503 against the wire.
func (s *shot) refusedRightly() bool {
	switch s.kind {
	case silent, password: // pages, for people
		return s.comesBack() && strings.HasPrefix(s.header.Get("Content-Type"), "text/html")
	case documents:
		return false // nothing that can be away stands behind them
	}
	return s.comesBack() && s.token("error") == "temporarily_unavailable"
}
