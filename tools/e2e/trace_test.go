//go:build e2e

package e2e_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/postern-id/postern/libs/testkit"
)

// TestTraces follows three requests of a caller who traces, each to the end of all that it brings about.
func TestTraces(t *testing.T) {
	spans := newCollector(t)
	cloud := newOwnCloud(t)
	cloud.settings = append(cloud.settings, "POSTERN_REGIONS=us", "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.url, "OTEL_BSP_SCHEDULE_DELAY=200")
	t.Cleanup(func() { cloud.remove(t.Failed()) })
	cloud.start(t)
	anyone := person{stranger(t, cloud.Cloud)}
	secrets := map[string]string{"the password": "a long e2e password " + randomName(), "a SQL argument": "Renamed " + randomName()}

	// The sign-up.
	signingUp := newParent(1)
	s := &signup{cloud: cloud, person: anyone, account: randomName(), email: randomName() + "@example.com"}
	var begun struct{ ID, Token string }
	signingUp.of(anyone).send(t, http.MethodPost, cloud.URLs.PlatformAPI+"/v1/signups", "", map[string]string{
		"account": s.account, "email": s.email, "password": secrets["the password"], "region": "us",
	}).into(t, http.StatusAccepted, &begun)
	s.id, s.token = begun.ID, begun.Token
	s.await(t, over)
	secrets["the address"], secrets["the sign-up's token"], secrets["the client's secret"] = s.email, s.token, s.tenant.ManagementAPI.ClientSecret

	// A token.
	asking := newParent(2)
	s.person = asking.of(anyone)
	r, err := s.machine(t, "")
	require.NoError(t, err)
	var got struct {
		Token string `json:"access_token"`
	}
	r.into(t, http.StatusOK, &got)
	secrets["the access token"] = got.Token[strings.LastIndex(got.Token, ".")+1:]

	// A change.
	changing := newParent(3)
	s.person = changing.of(anyone)
	id := s.tenant.ManagementAPI.ClientID
	s.call(t, http.MethodPatch, "clients/"+id, got.Token, map[string]string{"name": secrets["a SQL argument"]}, nil)

	for name, want := range map[string]struct {
		parent parent
		spans  []string // "scope name"
	}{
		"signup": {signingUp, []string{
			"postern/router router POST", "postern/tenant POST /v1/signups",
			"libs/pgkit postgres.InsertOperation", "libs/pgkit postgres.InsertSteps",
			"temporal-sdk-go StartWorkflow:ProvisionTenant", "temporal-sdk-go RunWorkflow:ProvisionTenant",
			"temporal-sdk-go RunActivity:ChooseCell", "libs/pgkit postgres.AssignCell", // on the control plane's queue
			"temporal-sdk-go RunActivity:CreateKeys", "postern/vault vault.CreateSigningKey", // on the cell's
			"temporal-sdk-go RunActivity:SeedTenant", "postern/rpc client.v1.ClientService/SeedTenant", "libs/pgkit postgres.InsertClient",
			"postern/nats nats.publish", "postern/log log.Consumer.Handle",
		}},
		"client_credentials": {asking, []string{
			"postern/router router POST", "postern/token POST /oauth/token", "postern/rpc client.v1.ClientService/FindClient",
			"libs/pgkit postgres.FindClient", "postern/vault vaultkit.Batcher.Sign", "postern/vault vault.Sign",
			"postern/nats nats.publish", "postern/log log.Consumer.Handle",
		}},
		"change_of_a_client": {changing, []string{
			"postern/router router PATCH", "postern/client PATCH /api/v2/clients/:id", "libs/pgkit postgres.UpdateClient", "libs/pgkit postgres.AppendOutbox",
			"postern/nats nats.publish", "postern/log log.Consumer.Handle",
		}},
	} {
		t.Run(name+"_is_one_trace", func(t *testing.T) {
			testkit.Eventually(t, 30*time.Second, func() error { return spans.missing(want.parent, want.spans) })
			t.Logf("%s", strings.Join(spans.names(want.parent), "\n"))
		})
		t.Run(name+"_leaves_one_line", func(t *testing.T) {
			var lines []map[string]any
			testkit.Eventually(t, 10*time.Second, func() error { // lines are written a few at once
				if lines = cloud.requests(t, want.parent); len(lines) == 0 {
					return errors.New("no line yet")
				}
				return nil
			})
			require.Len(t, lines, 1, "%v", lines)
			line := lines[0]
			require.Contains(t, want.spans[1], fmt.Sprintf("%s %s", line["method"], line["route"]))
			require.NotEmpty(t, line["status"])
			require.Positive(t, line["took_ms"])
			if name != "signup" { // nobody's yet
				require.Equal(t, s.tenant.ID, line["tenant_id"])
			}
		})
	}
	t.Run("nothing_of_it_tells_a_secret", func(t *testing.T) {
		said, err := os.ReadFile(filepath.Join(cloud.Data, "logs", "postern.log"))
		require.NoError(t, err)
		for what, secret := range secrets {
			require.NotEmpty(t, secret, what)
			require.False(t, spans.hold(secret), "a span holds %s", what)
			require.False(t, bytes.Contains(said, []byte(secret)), "the log holds %s", what)
		}
		require.False(t, spans.hold(id), "a span holds a path as it was sent")
	})
	t.Run("metrics_name_routes_and_nothing_that_a_caller_chose", func(t *testing.T) {
		invented := randomName()
		require.Equal(t, http.StatusNotFound, anyone.send(t, http.MethodGet, s.tenant.Issuer+invented, "", nil).status)
		r := anyone.send(t, http.MethodGet, cloud.URLs.Private+"/metrics", "", nil)
		require.Contains(t, r.body, `http_route="/oauth/token"`)
		require.Contains(t, r.body, `http_route="/api/v2/clients/:id"`)
		require.Contains(t, r.body, "http_server_request_duration_seconds_bucket")
		for _, chosen := range []string{invented, id, s.account, s.tenant.ID, s.email} {
			require.NotContains(t, r.body, chosen)
		}
	})
}

// requests gives the event lines of a trace.
func (c *ownCloud) requests(t *testing.T, p parent) []map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.Data, "logs", "postern.log"))
	require.NoError(t, err)
	var found []map[string]any
	for line := range bytes.Lines(raw) {
		var event map[string]any
		if json.Unmarshal(line, &event) == nil && event["msg"] == "request" && event["trace_id"] == p.trace.String() {
			found = append(found, event)
		}
	}
	return found
}

// parent is a caller's own span, which those of the platform continue.
type parent struct {
	trace trace.TraceID
	span  trace.SpanID
}

func newParent(n byte) parent { return parent{trace.TraceID{0xe2, 0xe0, n}, trace.SpanID{0xca, n}} }

// of gives p as one who traces.
func (f parent) of(p person) person {
	client := *p.Client
	client.Transport = tracing{f, p.Transport}
	return person{&client}
}

type tracing struct {
	parent

	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (f tracing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Traceparent", "00-"+f.trace.String()+"-"+f.span.String()+"-01") // W3C Trace Context §3.2
	return f.next.RoundTrip(r)
}

// collector is a collector of traces (OTLP over HTTP).
type collector struct {
	url string

	mu   sync.Mutex
	raw  [][]byte // all that came
	byID map[string]map[string]span
}

type span struct{ scope, name, parent string }

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{byID: map[string]map[string]span{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.take(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty answer: all was taken
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) take(r *http.Request) error {
	if r.URL.Path != "/v1/traces" {
		return errors.New("only traces")
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzip, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = unzip
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var sent otlp.TracesData // an export request has the same fields
	if err := proto.Unmarshal(raw, &sent); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, raw)
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				id := hex.EncodeToString(s.GetTraceId())
				if c.byID[id] == nil {
					c.byID[id] = map[string]span{}
				}
				c.byID[id][hex.EncodeToString(s.GetSpanId())] = span{
					scope:  strings.TrimPrefix(scope.GetScope().GetName(), "github.com/postern-id/postern/"),
					name:   s.GetName(),
					parent: hex.EncodeToString(s.GetParentSpanId()),
				}
			}
		}
	}
	return nil
}

// missing tells which of the wanted spans the trace lacks, or whose parent it does.
func (c *collector) missing(p parent, wanted []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := c.byID[p.trace.String()]
	names := map[string]bool{}
	for _, s := range there {
		names[s.scope+" "+s.name] = true
	}
	for _, name := range wanted {
		if !names[name] {
			return fmt.Errorf("no span %q among %q", name, slices.Sorted(maps.Keys(names)))
		}
	}
	for _, s := range there {
		if _, ok := there[s.parent]; !ok && s.parent != p.span.String() {
			return fmt.Errorf("the span %s %s hangs in the air", s.scope, s.name)
		}
	}
	return nil
}

// names lists the spans of a trace below each other.
func (c *collector) names(p parent) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := c.byID[p.trace.String()]
	var lines []string
	var list func(parent, indent string)
	list = func(parent, indent string) {
		var children []string
		for id, s := range there {
			if s.parent == parent {
				children = append(children, id)
			}
		}
		slices.SortFunc(children, func(a, b string) int { return cmp.Compare(there[a].name, there[b].name) })
		for _, id := range children {
			lines = append(lines, indent+there[id].scope+" "+there[id].name)
			list(id, indent+"  ")
		}
	}
	list(p.span.String(), "")
	return lines
}

// hold reports whether anything that came, of any trace, holds the text, as it is or as a URL has it.
func (c *collector) hold(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.raw, func(raw []byte) bool {
		return bytes.Contains(raw, []byte(text)) || bytes.Contains(raw, []byte(url.QueryEscape(text)))
	})
}
