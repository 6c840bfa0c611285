package auditlog

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// Entry is one line of a tenant's audit log. Empty texts stand for what the event did not say.
type Entry struct {
	// Seq is the place in the cell's log and Ingested when it got it; both are zero until the entry is stored. Together they make ID.
	Seq      int64
	Ingested time.Time

	EventID      string // unique; the same on every redelivery
	Tenant       tenancy.ID
	TenantName   string
	Date         time.Time // when it happened
	Type         string    // "s", "sapi", …
	Description  string
	ClientID     string
	ClientName   string
	Connection   string
	ConnectionID string
	Strategy     string
	StrategyType string
	UserID       string
	UserName     string
	IP           string
	UserAgent    string // normalised: "Chrome 120.0.0 / Mac OS X 10.15.7"
	Mobile       bool
	Hostname     string
	Audience     string
	Scope        string
	SessionID    string
	Certificate  string          // thumbprint of the one by which the client authenticated (RFC 8705 §3.1)
	Correlation  string          // what the caller ties calls together by
	Details      json.RawMessage // a JSON object; nil when there is none
}

// ID is a log_id: 56 digits that sort as the entries were taken in, over the whole cell: "900", the time of intake to the
// millisecond (17 digits), the place in the log (36).
type ID string

const idDigits = 56

// ID gives the entry's.
func (e Entry) ID() ID {
	stamp := strings.Replace(e.Ingested.UTC().Format("20060102150405.000"), ".", "", 1)
	return ID(fmt.Sprintf("900%s%036d", stamp, e.Seq))
}

// Seq gives the place in the log that the id names; ok is false for what is no log_id. An entry found there is the one that is meant
// only if its own ID is this one.
func (id ID) Seq() (seq int64, ok bool) {
	if len(id) != idDigits || !strings.HasPrefix(string(id), "900") || strings.Trim(string(id), "0123456789") != "" {
		return 0, false
	}
	seq, err := strconv.ParseInt(string(id[20:]), 10, 64)
	return seq, err == nil
}
