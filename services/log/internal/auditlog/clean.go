package auditlog

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const (
	// maxText bounds a text in bytes; maxKey one that is indexed.
	maxText = 8 << 10
	maxKey  = 512
	// maxDetailsDepth is how deep details may nest before they are refused: readers recurse.
	maxDetailsDepth = 64
)

// clean makes an entry storable whatever its event holds: users choose some of these texts, and none of them may stop the log.
func (e *Entry) clean() {
	for _, key := range []*string{&e.EventID, &e.Type, &e.ClientID, &e.UserID, &e.Connection, &e.ConnectionID, &e.TenantName} {
		*key = text(*key, maxKey)
	}
	for _, s := range []*string{
		&e.Description, &e.ClientName, &e.Strategy, &e.StrategyType, &e.UserName, &e.IP, &e.UserAgent, &e.Hostname, &e.Audience, &e.Scope, &e.SessionID,
		&e.Correlation, &e.Certificate,
	} {
		*s = text(*s, maxText)
	}
	if e.Details != nil && !storable(e.Details) {
		e.Details = json.RawMessage(`{"omitted":"the details of this event could not be kept"}`)
	}
}

// text drops NUL, which PostgreSQL's texts cannot hold, and what is not UTF-8, and cuts at limit bytes.
func text(s string, limit int) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if len(s) > limit {
		s = s[:limit]
		for s != "" && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) {
			s = s[:len(s)-1]
		}
	}
	return strings.ToValidUTF8(s, "�")
}

func storable(details []byte) bool {
	depth := 0
	if !utf8.Valid(details) || !json.Valid(details) || !bytes.HasPrefix(bytes.TrimSpace(details), []byte("{")) {
		return false
	}
	inString := false
	for i := 0; i < len(details); i++ {
		switch c := details[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDetailsDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}
