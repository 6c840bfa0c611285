package mgmtkit

import (
	"github.com/postern-id/postern/libs/fault"
)

// Paging is embedded in the input of a list operation: offset paging, or checkpoint paging when `take` or `from` is sent.
type Paging struct {
	Page          int    `query:"page" minimum:"0" maximum:"10000000" doc:"Page, from 0"`
	PerPage       int    `query:"per_page" minimum:"1" maximum:"100" default:"50" doc:"Items a page"`
	IncludeTotals bool   `query:"include_totals" doc:"Answer with an object that has start, limit and total"`
	Take          int    `query:"take" minimum:"1" maximum:"100" doc:"Items of a checkpoint page"`
	From          string `query:"from" doc:"Checkpoint: the next of the page before"`
}

// Checkpoint reports whether the caller pages by checkpoint.
func (p Paging) Checkpoint() bool { return p.Take > 0 || p.From != "" }

// Limit is how many items the page holds.
func (p Paging) Limit() int {
	if p.Checkpoint() {
		if p.Take > 0 {
			return p.Take
		}
		return 50
	}
	return p.PerPage
}

// Offset is how many items come before the page.
func (p Paging) Offset() int { return p.Page * p.PerPage }

// maxOffset is the wire's hard cap of offset paging for the resources that have one.
const maxOffset = 1000

// Bounded refuses pages past the first 1000 records.
func (p Paging) Bounded() error {
	if !p.Checkpoint() && (p.Page > maxOffset || (p.Page+1)*p.PerPage > maxOffset) { // the first keeps the second from overflowing
		return fault.Invalid("invalid_paging", "Requesting page exceeds the allowed maximum of 1000 records.")
	}
	return nil
}

// List is the answer of a list operation: a bare array, or an object under the resource's own name.
type List struct {
	Body any
}

// Page gives items as the caller asked for them: a bare array, {start,limit,length,total,<name>} or {<name>,next}.
// total is only looked at with include_totals; next only in checkpoint paging ("" at the end).
func Page[T any](p Paging, name string, items []T, total int, next string) *List {
	if items == nil {
		items = []T{}
	}
	switch {
	case p.Checkpoint():
		body := map[string]any{name: items}
		if next != "" {
			body["next"] = next
		}
		return &List{Body: body}
	case p.IncludeTotals:
		return &List{Body: map[string]any{"start": p.Offset(), "limit": p.PerPage, "length": len(items), "total": total, name: items}}
	}
	return &List{Body: items}
}
