package apidoc

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/libs/tenancy"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

var pages = template.Must(template.New("page").Parse(pageSource))

// Policy is the page's Content-Security-Policy: its own style, and nothing else.
func Policy() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// spec is what the page needs of the joined document.
type spec struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas   book              `json:"schemas"`
		Responses map[string]answer `json:"responses"`
	} `json:"components"`
}

type operation struct {
	ID          string                `json:"operationId"`
	Summary     string                `json:"summary"`
	Description string                `json:"description"`
	Tags        []string              `json:"tags"`
	Security    []map[string][]string `json:"security"`
	Parameters  []parameter           `json:"parameters"`
	Body        *answer               `json:"requestBody"`
	Responses   map[string]answer     `json:"responses"`
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description"`
	Required    bool    `json:"required"`
	Schema      *schema `json:"schema"`
}

// answer is also a request's body: they look the same.
type answer struct {
	Ref         string `json:"$ref"`
	Description string `json:"description"`
	Content     map[string]struct {
		Schema *schema `json:"schema"`
	} `json:"content"`
}

// schema gives the one schema of a body; nil when it has none.
func (a answer) schema() *schema {
	for _, kind := range slices.Sorted(maps.Keys(a.Content)) {
		return a.Content[kind].Schema
	}
	return nil
}

// Group is the operations of one tag, as the page shows them.
type Group struct {
	Name, Anchor string
	Operations   []Operation
}

// Operation as the page shows it.
type Operation struct {
	ID, Summary, Description, Method, Path string
	Scopes                                 []string
	Parameters, Body                       []Row
	Answers                                []Answer
	Refusals                               []string // statuses that all operations share
}

// Answer as the page shows it. A refusal has no rows: all share one body.
type Answer struct {
	Status, Text, Type string
	Rows               []Row
}

// methods in the order in which the page shows them.
var methods = []string{"get", "post", "patch", "put", "delete"}

// places of parameters in the same order.
var places = map[string]int{"path": 0, "query": 1, "header": 2, "cookie": 3}

const untagged = "other"

// groups arranges the operations by tag, path and method.
func (s spec) groups() []Group {
	byTag := map[string][]Operation{}
	for _, path := range slices.Sorted(maps.Keys(s.Paths)) {
		for _, method := range methods {
			op, ok := s.Paths[path][method]
			if !ok {
				continue
			}
			tag := untagged
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			byTag[tag] = append(byTag[tag], s.operation(op, strings.ToUpper(method), path))
		}
	}
	out := make([]Group, 0, len(byTag))
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		out = append(out, Group{Name: tag, Anchor: "tag-" + strings.ReplaceAll(tag, " ", "-"), Operations: byTag[tag]})
	}
	return out
}

func (s spec) operation(op operation, method, path string) Operation {
	out := Operation{ID: op.ID, Summary: op.Summary, Description: op.Description, Method: method, Path: path}
	for _, requirement := range op.Security {
		for _, scopes := range requirement {
			out.Scopes = append(out.Scopes, scopes...)
		}
	}
	for _, p := range op.Parameters {
		row := Row{Type: "any"}
		if schema := s.Components.Schemas.resolve(p.Schema); schema != nil {
			row = s.Components.Schemas.row(p.Name, schema, p.Required)
		}
		row.Name, row.In, row.Required = p.Name, p.In, p.Required
		if p.Description != "" {
			row.Doc = p.Description
		}
		out.Parameters = append(out.Parameters, row)
	}
	slices.SortStableFunc(out.Parameters, func(a, b Row) int { return places[a.In] - places[b.In] })
	if op.Body != nil {
		out.Body = s.Components.Schemas.rows(op.Body.schema())
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if op.Responses[status].Ref != "" {
			out.Refusals = append(out.Refusals, status)
		} else {
			out.Answers = append(out.Answers, s.answer(status, op.Responses[status]))
		}
	}
	return out
}

// refusals are the answers that operations share, by the statuses under which they refer to them.
func (s spec) refusals() []Answer {
	byStatus := map[string]string{}
	for _, ops := range s.Paths {
		for _, op := range ops {
			for status, a := range op.Responses {
				if a.Ref != "" {
					byStatus[status] = s.Components.Responses[strings.TrimPrefix(a.Ref, "#/components/responses/")].Description
				}
			}
		}
	}
	out := make([]Answer, 0, len(byStatus))
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		out = append(out, Answer{Status: status, Text: byStatus[status]})
	}
	return out
}

func (s spec) answer(status string, a answer) Answer {
	out := Answer{Status: status, Text: a.Description, Rows: s.Components.Schemas.rows(a.schema())}
	if schema := a.schema(); schema != nil && len(out.Rows) > 0 {
		out.Type = s.Components.Schemas.typeName(schema)
	}
	if code, err := strconv.Atoi(status); err == nil && out.Text == "" {
		out.Text = http.StatusText(code)
	}
	return out
}

// renderOperations makes the part of the page that is the same on every host.
func renderOperations(raw []byte) ([]byte, error) {
	var s spec
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("reading the description: %w", err)
	}
	groups := s.groups()
	count := 0
	for _, g := range groups {
		count += len(g.Operations)
	}
	var out bytes.Buffer
	err := pages.ExecuteTemplate(&out, "operations", map[string]any{
		"Groups": groups, "Count": count, "Refusals": s.refusals(), "Problem": s.Components.Schemas.rows(&schema{Ref: schemaRef + "Problem"}),
	})
	if err != nil {
		return nil, fmt.Errorf("rendering the description: %w", err)
	}
	return out.Bytes(), nil
}

// Page is the description to read, for who asked t.
func (d *Document) Page(t tenancy.Tenant) ([]byte, error) {
	var out bytes.Buffer
	err := pages.ExecuteTemplate(&out, "page", map[string]any{
		"Title": title, "Version": version, "Description": description, "Base": t.Base, "Audience": t.ManagementAudience(),
		"Style":      template.CSS(pageStyle), //nolint:gosec // our own file
		"Operations": template.HTML(d.page),   //nolint:gosec // rendered by this template
	})
	if err != nil {
		return nil, fmt.Errorf("rendering the description: %w", err)
	}
	return out.Bytes(), nil
}
