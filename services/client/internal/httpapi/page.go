package httpapi

import (
	"encoding/base64"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/services/client/internal/client"
)

// markPrefix tells our marks from anything else that is base64.
const markPrefix = "after:"

// pageOf gives the part of a list that the caller asks for.
func pageOf(p mgmtkit.Paging) (client.Page, error) {
	out := client.Page{Offset: p.Offset(), Limit: p.Limit(), Total: p.IncludeTotals && !p.Checkpoint()}
	if !p.Checkpoint() {
		return out, nil
	}
	out.Offset = 0
	if p.From == "" {
		return out, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.From)
	if err != nil || len(raw) <= len(markPrefix) || string(raw[:len(markPrefix)]) != markPrefix {
		return client.Page{}, fault.Invalid("invalid_query_string", "Query validation error: 'Not a checkpoint of this list' on property from.")
	}
	out.After = client.Mark(raw[len(markPrefix):])
	return out, nil
}

// listOf gives a part as the caller asked for it.
func listOf[T, W any](p mgmtkit.Paging, name string, part client.Part[T], wire func(T) W) *mgmtkit.List {
	items := make([]W, len(part.Items))
	for i, item := range part.Items {
		items[i] = wire(item)
	}
	next := ""
	if part.Next != "" {
		next = base64.RawURLEncoding.EncodeToString([]byte(markPrefix + string(part.Next)))
	}
	return mgmtkit.Page(p, name, items, part.Total, next)
}
